"""The words that we put into a PDF, by language."""

from collections.abc import Mapping

_WORDS = ("page", "empty", "total")
_ENGLISH = ("Page {page} of {pages}", "There are no rows.", "Total")
_LANGUAGES: Mapping[str, tuple[str, str, str]] = {
    "ar": ("صفحة {page} من {pages}", "لا توجد صفوف.", "المجموع"),
    "de": ("Seite {page} von {pages}", "Es gibt keine Zeilen.", "Summe"),
    "en": _ENGLISH,
    "es": ("Página {page} de {pages}", "No hay filas.", "Total"),
    "fr": ("Page {page} sur {pages}", "Il n’y a aucune ligne.", "Total"),  # noqa: RUF001
    "he": ("עמוד {page} מתוך {pages}", "אין שורות.", "סך הכול"),
    "it": ("Pagina {page} di {pages}", "Non ci sono righe.", "Totale"),
    "ja": ("{page} / {pages} ページ", "行がありません。", "合計"),
    "nl": ("Pagina {page} van {pages}", "Er zijn geen rijen.", "Totaal"),
    "pl": ("Strona {page} z {pages}", "Brak wierszy.", "Razem"),
    "pt": ("Página {page} de {pages}", "Não há linhas.", "Total"),
    "zh": ("第 {page} 页，共 {pages} 页", "没有数据行。", "合计"),  # noqa: RUF001
}


def labels_for(language: str) -> dict[str, str]:
    """`page` (with `{page}` and `{pages}`), `empty` and `total`; in English where we do not know the language."""
    return dict(zip(_WORDS, _LANGUAGES.get(language, _ENGLISH), strict=True))
