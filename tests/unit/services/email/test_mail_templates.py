from pathlib import Path

import pytest

from postroom.wire.errors import ConfigurationError
from postroom_email.errors import UnknownTemplate
from postroom_email.rendering.registry import Registry, Template, lay_out
from postroom_email.rendering.sandbox import RenderingFailed, check_syntax, render


def template(name: str, locale: str, *, is_shipped: bool = True) -> Template:
    return Template(name, locale, "subject", "text", None, is_shipped)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *(("de-AT", "de-AT"), ("de_AT", "de-AT"), ("de-CH", "de"), ("de", "de"), ("DE", "de")),
        *(("fr", "en"), (None, "en"), ("", "en"), ("../../etc/passwd", "en"), ("de-at-1996", "de-AT")),
    ],
)
def test_the_nearest_language_is_taken(wanted: str | None, found: str):
    registry = Registry([template("welcome", "en"), template("welcome", "de"), template("welcome", "de-AT")])

    assert registry.find("welcome", wanted).locale == found


def test_the_default_language_goes_before_english():
    registry = Registry([template("welcome", "en"), template("welcome", "de")], default_locale="de")

    assert registry.find("welcome", "fr").locale == "de"


def test_a_template_in_one_other_language_is_better_than_none():
    assert Registry([template("welcome", "fr")]).find("welcome", "de").locale == "fr"


@pytest.mark.parametrize("name", ["../welcome", "welcome.en", "/etc/passwd", "welcome\0", "Welcome", ""])
def test_a_name_is_looked_up_and_never_a_path(name: str):
    with pytest.raises(UnknownTemplate, match="there are report, welcome"):
        Registry([template("welcome", "en"), template("report", "en")]).find(name, None)


def test_one_s_own_template_replaces_the_shipped_one_in_all_languages():
    registry = Registry(
        [template("welcome", "de"), template("welcome", "en"), template("welcome", "en", is_shipped=False)]
    )

    assert not registry.find("welcome", "de").is_shipped


def test_values_are_escaped_in_html_and_not_in_text():
    content = render("{{ name }}", "{{ name }}", '<a title="{{ name }}">{{ name }}</a>', {"name": '<b>"A&B"</b>'})

    assert content.subject == content.text == '<b>"A&B"</b>'
    assert content.html == '<a title="&lt;b&gt;&#34;A&amp;B&#34;&lt;/b&gt;">&lt;b&gt;&#34;A&amp;B&#34;&lt;/b&gt;</a>'


def test_values_are_data_and_never_templates():
    assert render("{{ name }}", None, "{{ name }}", {"name": "{{ 7 * 7 }}"}).subject == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ user.name }}", "has no attribute 'name'"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ user.update({1: 2}) }}", "SecurityError"),
        ("{% include 'other' %}", "no loader"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for i in range(999999) %}{% endfor %}", "OverflowError"),
        ("{% for i in range(90000) %}xxxxxxxxxxxxxxxxxxxx{% endfor %}", "more than 1000000 characters"),
        ("{{ 'javascript:alert(1)'|link }}", "http"),
        ("{{ 'https://x.example/\"onclick'|link }}", "http"),
        ("{{ 'soon'|moment }}", "RFC 3339"),
    ],
)
def test_a_template_that_goes_wrong_says_why(source: str, reason: str):
    with pytest.raises(RenderingFailed, match=reason):
        render("subject", source, None, {"user": {}})


def test_moments_and_counts_read_the_same_in_every_language():
    context = {"at": "2026-12-24T19:00:00+01:00", "rows": 1234567, "size": 482133}

    content = render("{{ at|moment }}", "{{ rows|grouped }}", "{{ size|filesize }}", context)

    assert (content.subject, content.text, content.html) == ("2026-12-24 18:00 UTC", "1\u202f234\u202f567", "482 kB")


def test_a_syntax_error_is_found_without_running_the_template():
    with pytest.raises(ConfigurationError, match=r"^x\.en\.txt, line 2: "):
        check_syntax("x.en.txt", "{{ 10**10**10 }}\n{% if %}")


def test_broken_markup_names_its_file():
    with pytest.raises(ConfigurationError, match=r"^x\.en\.mjml: not valid MJML"):
        lay_out("x.en.mjml", "<mjml><mj-body><mj-text></mj-body></mjml>", {})


def test_markup_includes_parts_of_its_own_folder_and_nothing_else(tmp_path: Path):
    outside = tmp_path / "secret.mjml"
    outside.write_text("<mj-text>secret</mj-text>")

    with pytest.raises(ConfigurationError, match="not valid MJML"):
        lay_out("x.en.mjml", f'<mjml><mj-body><mj-include path="{outside}" /></mj-body></mjml>', {})
