"""Shipped and own templates, the latter in their processes, also when they mean no good."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from postroom.testing import eventually
from postroom.wire.errors import ConfigurationError
from postroom_email.errors import TemplateFailed
from postroom_email.rendering import processes
from postroom_email.rendering.templates import TemplateRenderer, template_renderer
from tests.support.patience import PROCESS_STARTS, seconds

ALWAYS = {"brand": "Acme", "home_url": "https://acme.example", "unsubscribe_url": None}
CONTEXTS: dict[str, dict[str, Any]] = {
    "welcome": {"name": "Ada", "email": "ada@example.com"},
    "password-reset": {"reset_url": "https://acme.example/r?a=1&b=2", "expires_at": "2026-12-24T18:00:00Z"},
    "report-ready": {"type": "daily", "format": "pdf", "rows": 12345, "bytes": 482133, "url": "https://acme.example/r"},
}


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            (tmp_path / f"{name}.en.subject").write_text("Subject")
            (tmp_path / f"{name}.en.txt").write_text(text)
        return tmp_path

    return write


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process may take on the wall's clock: only the limit of processor time ends a template here."""
    monkeypatch.setattr(processes, "START_SECONDS", seconds(PROCESS_STARTS))
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 3600.0)


def children() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if "postroom_email.rendering.child" in " ".join(child.cmdline())
    ]


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("name", CONTEXTS)
async def test_a_shipped_mail_says_the_same_in_text_and_html(name: str, locale: str):
    async with template_renderer(None, "en", ALWAYS) as renderer:
        content = await renderer.render(name, locale, CONTEXTS[name])

    assert content.subject
    assert content.text
    assert content.html
    assert f'lang="{locale}"' in content.html
    visible = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<head>.*?</head>|<!--.*?-->", "", content.html))
    for url in re.findall(r"https?://\S+", content.text):
        assert url.replace("&", "&amp;") in content.html
    headline = content.text.splitlines()[0]
    assert headline in visible
    assert "{{" not in content.html
    assert "{%" not in content.html


async def test_a_shipped_mail_does_without_what_is_optional():
    async with template_renderer(None, "en", ALWAYS | {"home_url": None}) as renderer:
        welcome = await renderer.render("welcome", None, {"name": None, "email": "ada@example.com"})
        reset = await renderer.render("password-reset", None, {"reset_url": "https://x.example", "expires_at": None})
        report = await renderer.render("report-ready", None, {"type": "daily", "format": "csv", "url": "s3://b/k"})

    assert welcome.text.startswith("Welcome!\n")
    assert "href" not in re.sub(r"(?s)<head>.*?</head>", "", welcome.html or "")
    assert "until" not in reset.text
    assert "s3://" not in report.html
    assert "attached" in report.html


async def test_a_name_with_markup_in_it_is_shown_as_it_is():
    async with template_renderer(None, "en", ALWAYS) as renderer:
        content = await renderer.render("welcome", None, {"name": "<script>x</script>", "email": "a@example.com"})

    assert "<script>" not in (content.html or "")
    assert "&lt;script&gt;" in (content.html or "")


async def test_a_missing_value_is_named():
    async with template_renderer(None, "en", ALWAYS) as renderer:
        with pytest.raises(TemplateFailed, match=r"^template welcome \(en\): .*'name' is undefined"):
            await renderer.render("welcome", None, {})


async def test_one_s_own_template_is_rendered_in_another_process(own: Callable[..., Path]):
    async with template_renderer(own(hello="Hello {{ name }}"), "en", ALWAYS) as renderer:
        content = await renderer.render("hello", None, {"name": "Ada"})
        assert len(children()) == 1

    assert content.text == "Hello Ada"
    assert children() == []


async def test_one_s_own_markup_is_laid_out(tmp_path: Path):
    (tmp_path / "hello.en.subject").write_text("Hello {{ name }}")
    (tmp_path / "_foot.mjml").write_text("<mj-section><mj-column><mj-text>Foot</mj-text></mj-column></mj-section>")
    (tmp_path / "hello.en.mjml").write_text(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{{ name }}</mj-text></mj-column></mj-section>"
        '<mj-include path="_foot.mjml" /></mj-body></mjml>'
    )
    async with template_renderer(tmp_path, "en", ALWAYS) as renderer:
        content = await renderer.render("hello", None, {"name": "<b>"})

    assert content.text is None
    assert "&lt;b&gt;" in (content.html or "")
    assert "Foot" in (content.html or "")


ENDLESS = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (ENDLESS, "more than 0.5 s"),
        ("{{ 9 ** (9 ** 9) }}", "more than 0.5 s"),
        ("{{ 'x' * 10 ** 10 }}", "memory"),
        (
            "{% set x = namespace(s='x') %}{% for i in range(99) %}{% set x.s = x.s ~ x.s %}{% endfor %}",
            "memory|more than",
        ),
    ],
)
async def test_a_template_that_loops_or_grows_fails_its_own_mail_at_its_limit(
    own: Callable[..., Path], source: str, reason: str
):
    async with template_renderer(own(bad=source, good="Hello"), "en", ALWAYS) as renderer:
        await renderer.render("good", None, {})

        with pytest.raises(TemplateFailed, match=reason):  # that it ends at all is due to the limit
            await renderer.render("bad", None, {})

        assert (await renderer.render("good", None, {})).text == "Hello"


async def test_a_template_that_loops_delays_nobody_else(own: Callable[..., Path]):
    async with template_renderer(own(bad=ENDLESS, good="Hello"), "en", ALWAYS) as renderer:
        await renderer.render("good", None, {})
        (child,) = children()
        child.suspend()  # it uses no processor time, so that the template in it is not ended
        bad = [asyncio.create_task(renderer.render("bad", None, {})) for _ in range(3)]
        await eventually(lambda: renderer._processes._idle == [])

        try:
            async with asyncio.timeout(seconds(PROCESS_STARTS)):
                done = [await renderer.render("good", None, {}) for _ in range(50)]
            assert not any(task.done() for task in bad)
        finally:
            child.resume()
        results = await asyncio.gather(*bad, return_exceptions=True)

    assert len(done) == 50
    assert all(isinstance(result, TemplateFailed) for result in results)


async def test_a_cancelled_rendering_mixes_up_nobody_s_mail(own: Callable[..., Path]):
    async with template_renderer(own(echo="{{ x }}", slow=ENDLESS), "en", ALWAYS) as renderer:
        await renderer.render("echo", None, {"x": 0})
        slow = asyncio.create_task(renderer.render("slow", None, {}))
        await eventually(lambda: renderer._processes._idle == [])
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)

        answers = await asyncio.gather(*(renderer.render("echo", None, {"x": i}) for i in range(20)))

    assert [content.text for content in answers] == [str(i) for i in range(20)]


async def test_a_child_that_is_killed_is_replaced(own: Callable[..., Path]):
    async with template_renderer(own(hello="Hello"), "en", ALWAYS) as renderer:
        await renderer.render("hello", None, {})
        (child,) = children()
        child.kill()
        with pytest.raises(TemplateFailed):
            await renderer.render("hello", None, {})

        assert (await renderer.render("hello", None, {})).text == "Hello"


async def test_a_child_knows_no_secrets(own: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EMAIL_SMTP_URL", "smtp://user:canary@localhost")
    async with template_renderer(own(hello="Hello"), "en", ALWAYS) as renderer:
        await renderer.render("hello", None, {})
        (child,) = children()

        assert "EMAIL_SMTP_URL" not in child.environ()
    assert "EMAIL_SMTP_URL" in os.environ


async def test_other_files_in_the_folder_are_left_alone(own: Callable[..., Path]):
    folder = own(hello="Hello")
    (folder / "photo.en.jpg").write_bytes(b"\xff\xd8")
    (folder / "_photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "README").write_bytes(b"\xff\xd8")
    async with template_renderer(folder, "en", ALWAYS) as renderer:
        assert (await renderer.render("hello", None, {})).text == "Hello"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"x.en.txt": "Hello"}, r"template x\.en: it needs a \.subject file"),
        ({"x.en.subject": "Hello", "x.en.txt": "{% if %}"}, r"x\.en\.txt, line 1"),
        ({"x.en.subject": "Hello", "x.en.mjml": "<mjml>"}, r"x\.en\.mjml: not valid MJML"),
        ({"x.en.subject": "H", "x.en.mjml": "<mjml></mjml>", "x.en.html": "H"}, r"keep one"),
    ],
)
async def test_a_wrong_template_is_found_at_start(tmp_path: Path, files: dict[str, str], complaint: str):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ConfigurationError, match=complaint):
        async with template_renderer(tmp_path, "en", ALWAYS):
            pass


async def test_a_templates_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="EMAIL_TEMPLATES_DIR"):
        async with template_renderer(tmp_path / "nothing", "en", ALWAYS):
            pass


def test_the_renderer_is_the_port():
    assert callable(TemplateRenderer.render)
