"""Links of letters, and how letters are sent: without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from apps.accounts import links, mail
from apps.accounts.links import LIFETIME, Purpose
from symphony.email import email_settings, public_url

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class TestLinks:
    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_good_for_its_purpose_and_its_time(self, purpose: Purpose) -> None:
        with time_machine.travel(NOW, tick=False):
            token = links.sign(purpose, {"user": "1"})
            assert links.read(purpose, token) == {"user": "1"}
            for other in set(Purpose) - {purpose}:
                assert links.read(other, token) is None
        with time_machine.travel(NOW + LIFETIME[purpose] - timedelta(seconds=2), tick=False):
            assert links.read(purpose, token) == {"user": "1"}
        with time_machine.travel(NOW + LIFETIME[purpose] + timedelta(seconds=2), tick=False):
            assert links.read(purpose, token) is None

    def test_nobody_else_makes_one(self) -> None:
        token = links.sign(Purpose.RESET, {"user": "1"})
        for forged in (token[:-1], token + "x", token.swapcase(), "", ":", "::", "\0", "é" * 10, "\ud800", "x" * 5000):
            assert links.read(Purpose.RESET, forged) is None
        with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[]):
            assert links.read(Purpose.RESET, token) is None

    def test_a_fingerprint_is_of_all_parts(self) -> None:
        one = links.fingerprint(Purpose.RESET, "a", "b")
        assert links.fits(one, links.fingerprint(Purpose.RESET, "a", "b"))
        assert not links.fits(one, links.fingerprint(Purpose.RESET, "a", "c"))
        assert not links.fits(one, links.fingerprint(Purpose.VERIFY, "a", "b"))
        assert not links.fits(None, one)


class TestWriting:
    WORDS = {"inviter": "Eve\nBcc: x@y.example", "organization": "A & <B>" + "x" * 300, "role": "admin", "link": "L"}

    def test_words_of_strangers_stay_in_their_line(self) -> None:
        letter = mail.write(
            to="a@example.org", template="accounts/mail/invitation.txt", context={**self.WORDS, "expires_at": NOW}
        )
        assert "\n" not in letter.subject
        assert letter.subject.startswith("Eve Bcc: x@y.example invites you to A & <B>xxx")
        assert len(letter.subject) <= 200
        assert letter.to == ["a@example.org"]
        assert letter.extra_headers == {}
        assert "good until 1 January 2030, 00:00 UTC" in str(letter.body)

    def test_every_letter_has_a_subject(self) -> None:
        folder = Path(mail.__file__).parent / "templates" / "accounts" / "mail"
        templates = sorted(folder.glob("*.txt"))
        assert len(templates) >= 10
        for template in templates:
            letter = mail.write(to="a@example.org", template=f"accounts/mail/{template.name}", context={"name": "Ann"})
            assert letter.subject
            assert letter.subject != str(letter.body)

    def test_links_stand_on_our_own_address(self) -> None:
        with override_settings(SYMPHONY_PUBLIC_URL="https://symphony.example"):
            assert mail.public_url("/x/") == "https://symphony.example/x/"


class TestSettings:
    def test_a_mail_server(self) -> None:
        found = email_settings("smtp+tls://me%40x:p%2Fw@mail.example")
        assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", 587)
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me@x", "p/w")
        assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)
        assert email_settings("smtps://mail.example:99")["EMAIL_PORT"] == 99

    def test_none_of_them(self) -> None:
        assert email_settings("console:")["EMAIL_BACKEND"].endswith("console.EmailBackend")
        assert email_settings("file:///var/letters")["EMAIL_FILE_PATH"] == "/var/letters"

    @pytest.mark.parametrize("url", ["", "smtp://", "http://x", "file:", "smtp://x:port", "smtp://u:secret@x?y=z"])
    def test_unreadable(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured) as caught:
            email_settings(url)
        assert "secret" not in str(caught.value)

    def test_the_public_address(self) -> None:
        assert public_url("https://symphony.example/") == "https://symphony.example"
        for wrong in ("", "symphony.example", "ftp://x", "https://", "https://x?y", "https://u:p@x", "http://x:y"):
            with pytest.raises(ImproperlyConfigured, match="SYMPHONY_PUBLIC_URL"):
                public_url(wrong)
