"""English is seen by its commonest words; every other language still goes to the statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.language import language
from knowledge.load import load

SAMPLES = Path(__file__).parents[2] / "samples" / "knowledge"
OTHERS = {
    "nl": "Dit is een handleiding in het Nederlands. U kunt de ketel binnen dertig dagen "
    "retourneren in de originele doos, en wij betalen de kosten van de verzending als hij stuk is.",
    "fr": "Vous pouvez retourner la bouilloire dans les trente jours avec son carton, et nous "
    "payons les frais de port si elle ne marche pas, quelle que soit la cause de la panne.",
    "de": "Sie haben dreißig Tage Zeit, den Wasserkocher in der Originalverpackung "
    "zurückzuschicken; die Kosten tragen wir, wenn er bei der Lieferung beschädigt war.",
    "es": "Puede devolver el hervidor dentro de los treinta dias en su caja original, y nosotros "
    "pagamos los gastos de envio si llega roto o no funciona como debe.",
    "it": "Puoi restituire il bollitore entro trenta giorni nella confezione originale, e noi "
    "paghiamo le spese di spedizione se arriva rotto o non funziona come deve.",
    "da": "Du kan sende elkedlen tilbage inden tredive dage i den originale kasse, og vi betaler "
    "for fragten hvis den er i stykker eller ikke virker som den skal.",
    "id": "Anda dapat mengembalikan ketel dalam tiga puluh hari dengan kotak aslinya, dan kami "
    "akan membayar biaya pengiriman jika barang itu rusak atau tidak berfungsi.",
}


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("default", ["en", "zh-Hans"])
def test_other_languages_are_not_taken_for_english(code: str, default: str) -> None:
    assert language(OTHERS[code], default) == code


def test_a_foreign_text_that_names_english_products_stays_foreign() -> None:
    text = f"{OTHERS['nl']} The Kettle K1 staat in de winkel, {OTHERS['nl']}"
    assert language(text, "zh-Hans") == "nl"


def test_english_with_a_few_foreign_letters_is_english() -> None:
    text = "The café in the shop sells this crème brûlée tea, and you can taste it when you come."
    assert language(text, "zh-Hans") == "en"


def test_a_table_of_an_english_document_is_english() -> None:
    rows = "Training Speed | Megatron: 9.04s/it | DeepSpeed-ZeRO: 10.32s/it\n" * 2
    assert language(f"{rows}Memory of the cards | 8*64GB | 8*80GB", "en") == "en"


def test_the_samples_are_in_the_language_of_their_folder() -> None:
    for path in sorted((SAMPLES / "en").glob("*.md")):
        for block in load(path).blocks:
            assert language(block.text, "en") == "en", block.text
