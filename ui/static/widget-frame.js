// The frame of the widget: draws what /api/v1/widget says. All HTML comes from the server's renderer.
(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const kept = { // the browser may forbid storage in frames: then a visit is all that is remembered
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { if (value) localStorage.setItem(key, value); else localStorage.removeItem(key); } catch { /* as said */ } },
  };
  const EVERY = 3000; // ms between two looks for news, while a person is called or there
  let options = {}, words = {}, visitor = kept.get("zhike-visitor"), session = null, running = 0, timer = 0, fresh = false, sure = false, away = true;

  async function call(path, body, method = "POST") {
    const headers = { "Content-Type": "application/json" };
    if (visitor) headers["X-Zhike-Visitor"] = visitor;
    return fetch(`/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
  }

  async function asked(path, body, method) { // JSON, or null after the failure was told
    try {
      const answer = await call(path, body, method);
      const data = await answer.json();
      if (answer.ok) return data;
      tell(answer.status === 429 ? data.error : words.refused || data.error);
    } catch { tell(words.lost || "No connection."); }
    return null;
  }

  const tell = (text) => { at("notice").textContent = text || ""; };
  const base = () => ({ session_id: session, language: options.language || null });

  async function start() {
    const known = visitor;
    if (options.user) visitor = null; // who signs in is who the site says
    const { collection, user, userHash } = options;
    const data = await asked("widget/start", { ...base(), collection: collection || null, user: user || null, user_hash: userHash || null, fresh });
    if (!data) { visitor = known; return; }
    visitor = data.visitor;
    if (!user) kept.set("zhike-visitor", visitor);
    session = data.session_id;
    options.language = data.language;
    words = data.words;
    label(data.longest);
    draw(data.turns);
    offer(data.offers);
    stands(data);
  }

  function label(longest) {
    document.documentElement.lang = options.language;
    document.title = at("title").textContent = options.title || words.title;
    const texts = {
      ai: words.ai, person: words["customer.person"], new: words["customer.new"], write: words.write, mine: words["customer.mine"],
      send: words["customer.send"], stop: words["customer.stop"], foot: words["customer.footer"], "question-label": words["customer.question"],
      "own-lead": words["customer.mine_lead"], download: words["customer.mine_download"], erase: words["customer.mine_delete"],
      "own-close": words["customer.mine_close"], "offline-lead": words.write_lead, "offline-text-label": words.message,
      "contact-label": words["person.contact"], "offline-send": words.send, "offline-close": words["customer.mine_close"],
    };
    for (const [id, text] of Object.entries(texts)) at(id).textContent = text;
    at("question").placeholder = words["customer.placeholder"];
    at("question").maxLength = longest * 2;
    at("more").setAttribute("aria-label", words.more);
    at("close").setAttribute("aria-label", words.close);
    at("log").setAttribute("aria-label", words["customer.conversation"]);
    at("offers").setAttribute("aria-label", words["customer.suggested"]);
  }

  function bubble(turn) {
    const line = document.createElement("div");
    line.className = `turn ${turn.role}`;
    line.innerHTML = turn.html;
    if (turn.rated) line.append(thumbs(turn.id, turn.rating));
    return line;
  }

  function thumbs(id, rating) {
    const row = document.createElement("div");
    row.className = "thumbs";
    const press = async (value, reason = "") => {
      if (!await asked(`replies/${id}/rating`, { value, reason })) return;
      for (const b of row.querySelectorAll("[data-value]")) b.setAttribute("aria-pressed", String(Number(b.dataset.value) === value));
      row.querySelector(".why")?.remove();
      if (value < 0 && !reason) row.append(why(press));
      else tell(words["customer.rate_thanks"]);
    };
    for (const [value, name] of [[1, "like"], [-1, "dislike"]]) {
      const b = document.createElement("button");
      b.type = "button";
      b.append(thumb(value < 0));
      b.dataset.value = value;
      b.setAttribute("aria-label", words[`customer.${name}`]);
      b.setAttribute("aria-pressed", String(rating === value));
      b.addEventListener("click", () => press(value));
      row.append(b);
    }
    return row;
  }

  function thumb(down) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg"), path = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M7 11v9H4v-9zM7 11l4-8c1.6 0 2.6 1.2 2.3 2.8L12.7 9H19c1.2 0 2 1 1.8 2.2l-1.3 7C19.3 19.3 18.5 20 17.500 20H7");
    if (down) path.setAttribute("transform", "rotate(180 12 12)");
    svg.append(path);
    return svg;
  }

  function why(press) {
    const box = document.createElement("div");
    box.className = "why";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", words["customer.rate_why"]);
    for (const reason of ["wrong", "off", "missing", "unclear"]) {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = words[`customer.reason_${reason}`];
      b.addEventListener("click", () => press(-1, reason));
      box.append(b);
    }
    return box;
  }

  function draw(turns) {
    const log = at("log");
    log.replaceChildren();
    if (!turns.length) {
      const hello = document.createElement("p");
      hello.className = "hello";
      hello.textContent = options.greeting || words.hello;
      log.append(hello);
    }
    for (const turn of turns) log.append(bubble(turn));
    log.scrollTop = log.scrollHeight;
  }

  function offer(texts) {
    at("offers").replaceChildren(...texts.map((text) => {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = text;
      b.addEventListener("click", () => ask(text));
      return b;
    }));
  }

  function stands(data) { // how a call for a person stands
    tell(data.notice);
    away = data.away;
    const open = data.state === "waiting" || data.state === "person";
    if (data.ask_contact && at("offline").hidden) form(true, true);
    clearTimeout(timer);
    if (open) timer = setTimeout(news, EVERY);
    else if (data.state !== "bot") at("offline").hidden = true;
  }

  async function news() {
    const answer = await call("widget/start", { ...base(), ...(options.user ? { user: options.user, user_hash: options.userHash } : {}) }).catch(() => null);
    if (!answer || !answer.ok || running) { clearTimeout(timer); timer = setTimeout(news, EVERY); return; }
    const data = await answer.json();
    if (data.turns.length !== at("log").querySelectorAll(".turn").length) draw(data.turns);
    if (data.state === "person") at("offline").hidden = true;
    stands(data);
  }

  async function ask(text) {
    text = text.trim();
    if (!text) return;
    at("question").value = "";
    grow();
    offer([]);
    tell("");
    at("log").querySelector(".hello")?.remove();
    const said = document.createElement("div");
    said.className = "turn user";
    const inner = document.createElement("div");
    inner.className = "said";
    inner.textContent = text;
    said.append(inner);
    for (const line of at("log").querySelectorAll(".turn.pending")) line.remove(); // the message before is answered here
    const line = document.createElement("div");
    line.className = "turn assistant pending";
    at("log").append(said, line);
    busy(1);
    try { await stream(text, line); }
    catch { line.remove(); tell(words.lost); }
    busy(-1);
  }

  async function stream(text, line) {
    const answer = await call("widget/messages", { text, ...base(), collection: options.collection || null });
    if (!answer.ok) {
      line.remove();
      return tell((await answer.json()).error);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const found = /^event: (\w+)\ndata: (.*)$/s.exec(part);
        if (found) heard(found[1], JSON.parse(found[2]), line);
      }
    }
    if (line.classList.contains("pending")) line.remove();
  }

  function heard(kind, data, line) {
    if (kind === "session") { session = data.session_id; fresh = false; return; }
    if (kind === "end") return stands(data);
    if (kind === "joined" || kind === "silent") return line.remove();
    line.innerHTML = data.html;
    if (kind === "reply") {
      line.append(thumbs(data.reply_id, 0));
      offer(data.choices.length ? data.choices : data.suggestions);
    }
    if (kind === "reply" || kind === "notice") line.classList.remove("pending");
    at("log").scrollTop = at("log").scrollHeight;
  }

  function busy(change) {
    running += change;
    at("stop").hidden = !running;
    at("log").setAttribute("aria-busy", String(running > 0));
  }

  function form(open, called = false) { // the off-line form; after a call only the address is missing
    at("offline").hidden = !open;
    at("own").hidden = true;
    at("offline-text").hidden = at("offline-text-label").hidden = called;
    at("offline-text").required = !called;
    at("offline").dataset.called = called ? "yes" : "";
    at("offline-lead").hidden = called || !away;
    if (open) (called ? at("contact") : at("offline-text")).focus();
  }

  async function person() {
    const data = await asked("widget/person", base());
    if (data) called(data);
  }

  function called(data) {
    session = data.session_id;
    fresh = false;
    offer([]);
    draw(data.turns);
    stands(data);
  }

  async function leave(event) {
    event.preventDefault();
    const contact = at("contact").value, text = at("offline").dataset.called ? "" : at("offline-text").value;
    const data = at("offline").dataset.called
      ? await asked(`sessions/${session}/contact`, { text: contact })
      : await asked("widget/person", { ...base(), text, contact });
    if (!data) return;
    at("offline").reset();
    at("offline").hidden = true;
    if (data.turns) called(data);
    tell(words.sent);
  }

  function renew() {
    session = null;
    fresh = true;
    clearTimeout(timer);
    at("offline").hidden = at("own").hidden = true;
    menu(false);
    start();
  }

  async function erase() {
    if (!sure) {
      sure = true;
      at("own-lead").textContent = words["customer.mine_sure"];
      at("erase").textContent = words["customer.mine_yes"];
      return;
    }
    if (!await asked("widget/data", null, "DELETE")) return;
    visitor = null;
    kept.set("zhike-visitor", null);
    renew();
    setTimeout(() => tell(words["customer.mine_gone"]), 300);
  }

  async function download() {
    const data = await asked("widget/data", null, "GET");
    if (!data) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
    link.download = "my-data.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function menu(open) {
    at("menu").hidden = !open;
    at("more").setAttribute("aria-expanded", String(open));
  }

  function own(open) {
    sure = false;
    at("own").hidden = !open;
    at("own-lead").textContent = words["customer.mine_lead"];
    at("erase").textContent = words["customer.mine_delete"];
    menu(false);
    if (open) at("download").focus();
  }

  function grow() {
    const box = at("question");
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
  }

  const close = () => { if (parent !== window) parent.postMessage({ zhike: "close" }, "*"); };
  const press = { person, new: renew, close, stop: () => call("widget/stop").catch(() => null), download, erase,
    more: () => menu(at("menu").hidden), mine: () => own(true), "own-close": () => own(false), "offline-close": () => form(false),
    write: () => { menu(false); form(true); } };
  for (const [id, act] of Object.entries(press)) at(id).addEventListener("click", act);
  at("offline").addEventListener("submit", leave);
  at("composer").addEventListener("submit", (event) => { event.preventDefault(); ask(at("question").value); });
  at("question").addEventListener("input", grow);
  at("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(at("question").value); }
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") at("menu").hidden ? close() : menu(false); });
  window.addEventListener("message", async (event) => {
    if (event.source !== parent || !event.data || typeof event.data.zhike !== "object") return;
    const said = event.data.zhike;
    if (said.kind === "settings") {
      options = { ...said };
      if (!["zh-Hans", "zh-Hant", "en"].includes(options.language)) options.language = null;
      if (/^#[0-9a-f]{6}$/i.test(options.color)) {
        document.documentElement.style.setProperty("--brand", options.color);
        document.documentElement.style.setProperty("--brand-ink", options.ink === "#000000" ? "#000000" : "#ffffff");
      }
      await start();
      for (const text of said.questions || []) ask(String(text));
      at("question").focus();
    } else if (said.kind === "ask") ask(String(said.text));
    else if (said.kind === "shown") at("question").focus();
  });
  if (parent === window) start(); else parent.postMessage({ zhike: "ready" }, "*");
})();
