"""The routes of people, invitations and teams, on the web's database role: as oneself, as a viewer, as a stranger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import Membership, Organization, Team, User
from apps.core.tenancy import staff

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]
TokenOf = Callable[..., str]
LettersOf = Callable[..., list[EmailMessage]]
Verified = Callable[[User], User]
PASSWORD = "a long and winding road"
V1 = "/api/v1"


@pytest.fixture
def browser(web_role: None) -> APIClient:
    """Of nobody."""
    return APIClient()


@pytest.fixture
def base(orchestra: Organization) -> str:
    return f"{V1}/organizations/{orchestra.pk}"


def member(organization: Organization, user: User) -> Membership:
    with staff():
        return Membership.objects.select_related("organization", "user").get(organization=organization, user=user)


class TestMe:
    def test_profile(self, alice: User, api_of: ApiOf) -> None:
        client = api_of(alice)
        shown = client.get(f"{V1}/users/me/")
        changed = client.patch(
            f"{V1}/users/me", {"bio": "Sings", "preferences": {"a": 1}}, headers={"If-Match": shown["ETag"]}
        )
        assert (changed.status_code, changed.json()["bio"], changed.json()["preferences"]) == (200, "Sings", {"a": 1})
        late = client.patch(f"{V1}/users/me/", {"bio": "Late"}, headers={"If-Match": shown["ETag"]})
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"username": "me"}, "/username"), ({"username": "x\0"}, "/username"), ({"preferences": []}, "/preferences"),
            ({"preferences": {"a": 10**400}}, "/preferences/a"), ({"avatar_url": "http://x"}, "/avatar_url"),
            ({"social_links": {"x": "javascript:1"}}, "/social_links/x"), ({"bio": "\ud800"}, "/bio"),
        ],
    )  # fmt: skip
    def test_a_bad_profile_says_where(self, alice: User, api_of: ApiOf, body: Any, pointer: str) -> None:
        # By hand: the test client's own JSON refuses half characters, which anybody may send as escapes.
        sent = json.dumps(body)
        refused = api_of(alice).patch(f"{V1}/users/me/", sent, content_type="application/json")
        assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (422, [pointer])

    def test_half_a_character_in_a_choice(self, alice: User, base: str, api_of: ApiOf) -> None:
        refused = api_of(alice).post(
            f"{base}/invitations/", '{"email": "x@example.org", "role": "\\ud800"}', content_type="application/json"
        )
        assert refused.status_code == 422

    def test_others_see_what_is_public(self, alice: User, bob: User, api_of: ApiOf, browser: APIClient) -> None:
        services.update_profile(actor=alice, bio="Sings", preferences={"secret": 1}, username="al")
        shown = api_of(bob).get(f"{V1}/users/AL/").json()
        assert shown["bio"] == "Sings"
        assert not {"email", "preferences", "last_login_at", "email_verified", "first_name"} & set(shown)
        assert browser.get(f"{V1}/users/al/").status_code == 401
        for nobody in ("nobody", "a%00b", "x" * 300):
            assert api_of(bob).get(f"{V1}/users/{nobody}/").status_code == 404

    def test_password_by_session(self, browser: APIClient) -> None:
        dora = services.create_user(email="dora@example.org", password=PASSWORD)
        browser.force_login(dora)
        body = {"old_password": "x", "new_password": "here comes the sun 1969"}
        assert browser.post(f"{V1}/users/me/password/", body).json()["code"] == "wrong_password"
        body["old_password"] = PASSWORD
        assert browser.post(f"{V1}/users/me/password/", body).status_code == 204
        assert browser.get(f"{V1}/users/me/").status_code == 200

    def test_a_token_of_few_scopes_does_none_of_it(self, alice: User, browser: APIClient) -> None:
        _, secret = services.create_token(actor=alice, name="x", scopes=["write"])
        client = APIClient(headers={"Authorization": f"Token {secret}"})
        for method, path in (
            ("post", "password"), ("post", "email"), ("post", "email/verification"), ("post", "erase"), ("get", "export"),
        ):  # fmt: skip
            assert getattr(client, method)(f"{V1}/users/me/{path}/").status_code == 403, path

    def test_export(self, alice: User, orchestra: Organization, api_of: ApiOf) -> None:
        got = api_of(alice).get(f"{V1}/users/me/export/")
        assert got.status_code == 200
        assert "attachment" in got["Content-Disposition"]
        assert got.json()["profile"]["email"] == alice.email

    def test_erase(self, alice: User, bob: User, orchestra: Organization, browser: APIClient) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob)
        browser.force_login(alice)
        refused = browser.post(f"{V1}/users/me/erase/", {"confirmation": alice.email})
        assert (refused.status_code, refused.json()["code"]) == (409, "still_owner")
        assert refused.json()["organizations"][0]["slug"] == "orchestra"
        browser.force_login(bob)
        assert browser.post(f"{V1}/users/me/erase/", {"confirmation": bob.email}).status_code == 200
        assert browser.get(f"{V1}/users/me/").status_code == 401


class TestDoors:
    def test_register_answers_alike(self, alice: User, browser: APIClient, settings: Any) -> None:
        assert browser.post(f"{V1}/users/", {"email": "x@example.org"}).json()["code"] == "sign_up_closed"
        settings.SYMPHONY_SIGN_UP = True
        answers = [browser.post(f"{V1}/users/", {"email": email}) for email in (alice.email, "new@example.org")]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].content == answers[1].content

    def test_from_letter_to_account(self, browser: APIClient, settings: Any, token_of: TokenOf) -> None:
        settings.SYMPHONY_SIGN_UP = True
        token = token_of(lambda: browser.post(f"{V1}/users/", {"email": "new@example.org"}))
        made = browser.post(f"{V1}/users/registration/", {"token": token, "password": PASSWORD, "username": "Newt"})
        assert (made.status_code, made.json()["username"], made.json()["email_verified"]) == (201, "newt", True)
        again = browser.post(f"{V1}/users/registration/", {"token": token, "password": PASSWORD})
        assert (again.status_code, again.json()["code"]) == (410, "link_dead")

    def test_password_reset_answers_alike(self, alice: User, browser: APIClient, token_of: TokenOf) -> None:
        answers: list[Any] = []
        token = token_of(
            lambda: answers.extend(
                browser.post(f"{V1}/users/password/", {"email": email}) for email in ("no@example.org", alice.email)
            )
        )
        assert answers[0].content == answers[1].content
        body = {"token": token, "password": PASSWORD}
        assert browser.post(f"{V1}/users/password/reset/", body).status_code == 204
        assert browser.post(f"{V1}/users/password/reset/", body).status_code == 410

    def test_links_cannot_be_bent_by_the_host(self, alice: User, browser: APIClient, letters_of: LettersOf) -> None:
        (letter,) = letters_of(
            lambda: browser.post(
                f"{V1}/users/password/",
                {"email": alice.email},
                headers={"Host": "localhost", "X-Forwarded-Host": "evil"},
            )
        )
        assert "http://127.0.0.1:8000/password/" in str(letter.body)
        assert "evil" not in str(letter.body)
        assert "localhost" not in str(letter.body)

    def test_verification(self, alice: User, api_of: ApiOf, browser: APIClient, token_of: TokenOf) -> None:
        client = api_of(alice)
        token = token_of(lambda: client.post(f"{V1}/users/me/email/verification/"))
        second = client.post(f"{V1}/users/me/email/verification/")
        assert (second.status_code, second["Retry-After"]) == (429, "60")
        assert browser.post(f"{V1}/users/email/", {"token": token}).status_code == 204
        assert client.get(f"{V1}/users/me/").json()["email_verified"] is True

    @pytest.mark.parametrize(
        "path", ["users/email", "users/password/reset", "invitations/show", "invitations/register"]
    )
    def test_made_up_tokens(self, browser: APIClient, path: str) -> None:
        for token in ("x", "é", "a:b:c"):
            answer = browser.post(f"{V1}/{path}/", {"token": token, "password": PASSWORD})
            assert answer.status_code == 410


class TestOrganizations:
    def test_viewed_changed_and_left(
        self, alice: User, bob: User, base: str, api_of: ApiOf, orchestra: Organization
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
        hers, his = api_of(alice), api_of(bob)
        shown = his.get(f"{base}/")
        assert shown.json()["slug"] == "orchestra"
        assert his.patch(f"{base}/", {"name": "Mine"}).status_code == 403
        changed = hers.patch(f"{base}/", {"settings": {"a": 1}}, headers={"If-Match": shown["ETag"]})
        assert changed.json()["settings"] == {"a": 1}
        assert hers.patch(f"{base}/", {"name": "x"}, headers={"If-Match": shown["ETag"]}).status_code == 412
        assert hers.post(f"{base}/leave/").json()["code"] == "last_owner"
        assert his.post(f"{base}/leave/").status_code == 204
        assert his.get(f"{base}/").status_code == 404

    def test_closed_deleted_handed_over(
        self, alice: User, bob: User, base: str, api_of: ApiOf, orchestra: Organization
    ) -> None:
        services.add_member(actor=alice, organization=orchestra, user=bob)
        hers, his = api_of(alice), api_of(bob)
        assert hers.delete(f"{base}/").json()["code"] == "organization_not_empty"
        assert his.post(f"{base}/transfer/", {"member": str(member(orchestra, bob).pk)}).status_code == 403
        handed = hers.post(f"{base}/transfer/", {"member": str(member(orchestra, bob).pk)})
        assert (handed.status_code, handed.json()["role"]) == (200, "owner")
        assert hers.post(f"{base}/deactivate/").status_code == 403
        assert his.post(f"{base}/deactivate/").status_code == 204
        assert hers.get(f"{base}/").status_code == 404

    def test_members(
        self, alice: User, bob: User, carol: User, base: str, api_of: ApiOf, orchestra: Organization
    ) -> None:
        for user, role in ((bob, "viewer"), (carol, "member")):
            services.add_member(actor=alice, organization=orchestra, user=user, role=role)
        hers, his = api_of(alice), api_of(bob)
        one = f"{base}/members/{member(orchestra, carol).pk}/"
        assert his.get(one).json()["user"]["email"] == carol.email
        assert his.patch(one, {"role": "admin"}).status_code == 403
        assert his.delete(one).status_code == 403
        assert hers.patch(one, {"role": "admin"}).json()["role"] == "admin"
        assert hers.patch(one, {"role": "king"}).status_code == 422
        found = his.get(f"{base}/members/?role=admin&search=CAR").json()["results"]
        assert [each["user"]["email"] for each in found] == [carol.email]
        assert hers.delete(one).status_code == 204
        assert hers.get(one).status_code == 404


class TestInvitations:
    def test_invited_shown_and_accepted(
        self,
        alice: User,
        bob: User,
        base: str,
        api_of: ApiOf,
        token_of: TokenOf,
        verified: Verified,
        browser: APIClient,
    ) -> None:
        hers = api_of(alice)
        token = token_of(lambda: hers.post(f"{base}/invitations/", {"email": bob.email, "role": "viewer"}))
        (listed,) = hers.get(f"{base}/invitations/?status=pending").json()["results"]
        assert (listed["email"], listed["role"], listed["is_open"]) == (bob.email, "viewer", True)
        assert token not in str(listed)
        shown = browser.post(f"{V1}/invitations/show/", {"token": token}).json()
        assert shown["organization"]["name"] == "Orchestra"
        his = api_of(verified(bob))
        (received,) = his.get(f"{V1}/users/me/invitations/").json()["results"]
        assert received["id"] == listed["id"]
        joined = his.post(f"{V1}/invitations/accept/", {"token": token})
        assert (joined.status_code, joined.json()["role"]) == (200, "viewer")
        assert his.post(f"{V1}/users/me/invitations/{received['id']}/accept/").status_code == 404
        assert his.get(f"{base}/invitations/").status_code == 403
        assert his.post(f"{base}/invitations/", {"email": "x@example.org"}).status_code == 403

    def test_answered_without_the_link(
        self, alice: User, bob: User, carol: User, orchestra: Organization, base: str, api_of: ApiOf, verified: Verified
    ) -> None:
        made = services.invite(actor=alice, organization=orchestra, email=bob.email)
        address = f"{V1}/users/me/invitations/{made.pk}"
        assert api_of(verified(carol)).post(f"{address}/decline/").status_code == 404
        his = api_of(verified(bob))
        assert his.post(f"{address}/decline/").status_code == 204
        assert his.get(f"{V1}/users/me/invitations/").json()["results"] == []

    def test_many_resent_and_revoked(self, alice: User, base: str, api_of: ApiOf) -> None:
        hers = api_of(alice)
        body = {"invitations": [{"email": "x@example.org"}, {"email": alice.email}, {"email": "y@example.org"}]}
        outcomes = hers.post(f"{base}/invitations/bulk/", body).json()["results"]
        assert [each["outcome"] for each in outcomes] == ["invited", "already_member", "invited"]
        one = f"{base}/invitations/{outcomes[0]['invitation']['id']}"
        assert hers.post(f"{one}/resend/").status_code == 429
        assert hers.delete(f"{one}/").status_code == 204
        assert hers.get(f"{one}/").json()["status"] == "revoked"
        assert hers.post(f"{base}/invitations/bulk/", {"invitations": [{"email": "x"}]}).status_code == 422
        many = {"invitations": [{"email": f"{n}@example.org"} for n in range(101)]}
        assert hers.post(f"{base}/invitations/bulk/", many).status_code == 422

    def test_of_strangers_are_not_there(self, carol: User, base: str, api_of: ApiOf) -> None:
        client = api_of(carol)
        for path in ("", "invitations/", "members/", "teams/"):
            assert client.get(f"{base}/{path}").status_code == 404
        for path in ("leave/", "deactivate/", "transfer/", "invitations/", "invitations/bulk/", "teams/"):
            assert client.post(f"{base}/{path}", {}).status_code == 404, path
        assert client.patch(f"{base}/", {"name": "x"}).status_code == 404
        assert client.delete(f"{base}/").status_code == 404


class TestTeams:
    @pytest.fixture
    def team(self, alice: User, bob: User, carol: User, orchestra: Organization, web_role: None) -> Team:
        services.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
        return services.create_team(actor=alice, organization=orchestra, name="Strings")

    def test_all_of_it(
        self, alice: User, bob: User, orchestra: Organization, base: str, team: Team, api_of: ApiOf
    ) -> None:
        hers, his = api_of(alice), api_of(bob)
        made = hers.post(f"{base}/teams/", {"name": "Brass", "settings": {"a": 1}})
        assert (made.status_code, made.json()["member_count"]) == (201, 0)
        one = f"{base}/teams/{made.json()['id']}"
        added = hers.post(f"{one}/members/", {"member": str(member(orchestra, bob).pk), "role": "viewer"})
        assert (added.status_code, added.json()["user"]["email"]) == (201, bob.email)
        assert [each["name"] for each in his.get(f"{base}/teams/?mine=true").json()["results"]] == ["Brass"]
        assert [each["name"] for each in his.get(f"{base}/teams/?search=str").json()["results"]] == ["Strings"]
        for refused in (
            his.patch(f"{one}/", {"name": "x"}), his.delete(f"{one}/"), his.post(f"{base}/teams/", {"name": "x"}),
            his.patch(f"{one}/members/{added.json()['id']}/", {"role": "owner"}),
        ):  # fmt: skip
            assert refused.status_code == 403
        changed = hers.patch(f"{one}/", {"settings": {"b": 2}}, headers={"If-Match": made["ETag"]})
        assert (changed.json()["settings"], changed.json()["member_count"]) == ({"a": 1, "b": 2}, 1)
        assert hers.patch(f"{one}/", {"name": "x"}, headers={"If-Match": made["ETag"]}).status_code == 412
        assert his.delete(f"{one}/members/{added.json()['id']}/").status_code == 204
        assert hers.delete(f"{one}/").status_code == 204
        assert hers.get(f"{one}/").status_code == 404

    def test_strangers(self, carol: User, base: str, team: Team, api_of: ApiOf) -> None:
        client = api_of(carol)
        for path in (f"teams/{team.pk}/", f"teams/{team.pk}/members/"):
            assert client.get(f"{base}/{path}").status_code == 404
        assert client.post(f"{base}/teams/{team.pk}/members/", {}).status_code == 404


@pytest.mark.parametrize("path", ["members/", "invitations/", "teams/", "teams/{team}/members/"])
def test_lists_ask_a_fixed_number_of_questions(
    alice: User, orchestra: Organization, base: str, api_of: ApiOf, path: str, django_assert_max_num_queries: Any
) -> None:
    team = services.create_team(actor=alice, organization=orchestra, name="0")
    for number in range(6):
        user = services.create_user(email=f"{number}@example.org", password=None)
        services.add_team_member(
            actor=alice, team=team, member=services.add_member(actor=alice, organization=orchestra, user=user)
        )
        services.invite(actor=alice, organization=orchestra, email=f"x{number}@example.org")
        services.create_team(actor=alice, organization=orchestra, name=f"team {number}")
    client = api_of(alice)
    address = f"{base}/{path.format(team=team.pk)}"
    assert len(client.get(address).json()["results"]) >= 6
    # Token, actor, organization, role; each said and asked; then the page itself.
    with django_assert_max_num_queries(16):
        client.get(address)
