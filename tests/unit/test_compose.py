"""docker-compose.yml and the Dockerfile say the same as the code, the Makefile and `up`."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from symphony import roles
from symphony.celery import configuration
from symphony.stack import LEAVE_SECONDS, Options

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "symphony"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = (ROOT / "symphony" / "settings.py").read_text()
QUEUES = {queue.name for queue in configuration("redis://", 1)["task_queues"]}
READ_BY_OTHERS = {"FLOWER_BASIC_AUTH"}


def words(name: str) -> list[str]:
    return shlex.split(SERVICES[name]["command"])


def option(name: str, flag: str) -> str:
    command = words(name)
    return command[command.index(flag) + 1]


def test_every_part_is_there() -> None:
    assert set(OURS) == {"migrate", "web", "worker-steps", "worker-calls", "worker-heavy", "sweep", "flower"}
    assert set(SERVICES) - set(OURS) == {"postgres", "redis"}


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    program, *arguments = words(name)
    match program:
        case "python":
            assert (ROOT / arguments[0]).is_file()
            found = [*ROOT.glob(f"*/management/commands/{arguments[1]}.py")]
            assert len(found) == 1
        case "celery":
            assert arguments[:2] == ["-A", "symphony"]
            assert arguments[2] in {"worker", "flower"}
        case "uvicorn":
            module, _, attribute = arguments[0].partition(":")
            assert callable(getattr(import_module(module), attribute))
        case _:
            pytest.fail(f"{name} starts {program}, which nothing installs")


def test_each_queue_has_its_worker() -> None:
    workers = [name for name in OURS if name.startswith("worker-")]
    assert {option(name, "-Q") for name in workers} == QUEUES
    assert {option(name, "-Q"): option(name, "-P") for name in workers} == {
        "steps": "prefork",
        "calls": "threads",
        "heavy": "prefork",
    }


def test_workers_have_time_to_hand_over() -> None:
    drain = float(re.findall(r"SYMPHONY_DRAIN_SECONDS:-(\d+)", (ROOT / "docker-compose.yml").read_text())[0])
    assert drain == settings.SYMPHONY_DRAIN_SECONDS
    for name, service in OURS.items():
        if name.startswith("worker-"):
            assert float(service["stop_grace_period"].removesuffix("s")) >= drain + LEAVE_SECONDS, name


@pytest.mark.parametrize("name", OURS)
def test_settings_read_what_is_set(name: str) -> None:
    for variable in set(SERVICES[name]["environment"]) - READ_BY_OTHERS:
        assert f'"{variable}"' in SETTINGS, f"{variable} of {name} is read nowhere"


@pytest.mark.parametrize("name", OURS)
def test_only_the_migration_has_the_owners_login(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert ("DATABASE_URL" in environment) == (name == "migrate")
    expected = {"migrate": "owner", "web": "web", "flower": "web"}.get(name, "worker")
    assert environment["SYMPHONY_ROLE"] == expected


def test_logins_are_those_of_provisioning() -> None:
    environment = {name: re.sub(r"\$\{.*?\}", "x", text) for name, text in SERVICES["migrate"]["environment"].items()}
    database = roles.database_name(environment["DATABASE_URL"])
    for kind in roles.GROUPS:
        assert f"//{roles.login_name(database, kind)}:" in environment[f"{kind.upper()}_DATABASE_URL"]


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = set(re.findall(r"\$\{(\w+)([^}]*)\}", text))
    secret = {(name, rule) for name, rule in used if re.search("PASSWORD|SECRET", name)}
    assert {rule for _, rule in secret} == {":?set it"}
    assert {name for name, _ in secret} == set(re.findall(r"#   (.*)", text)[0].split())


def test_nothing_waits_for_what_is_not_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_ports_are_those_of_make_up() -> None:
    published = {SERVICES[name]["ports"][0] for name in ("web", "flower")}
    defaults = Options()
    assert published == {
        f"127.0.0.1:${{PORT:-{defaults.port}}}:8000",
        f"127.0.0.1:${{FLOWER_PORT:-{defaults.flower_port}}}:5555",
    }
    makefile = (ROOT / "Makefile").read_text()
    assert f"\nPORT ?= {defaults.port}\n" in makefile
    assert f"\nFLOWER_PORT ?= {defaults.flower_port}\n" in makefile
    assert "\nEXPOSE 8000 5555\n" in DOCKERFILE


def test_the_image_holds_all_that_is_imported() -> None:
    copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    assert {"apps", "workers", "symphony", "manage.py", "requirements.txt"} <= names
    assert all((ROOT / name).exists() for name in names)


def test_the_image_starts_the_web_as_compose_does() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert yaml.safe_load(command) == words("web")


def test_the_image_is_no_older_than_the_project_allows() -> None:
    (version,) = re.findall(r"^FROM python:(\d+\.\d+)", DOCKERFILE, re.MULTILINE)
    assert f'requires-python = ">={version}"' in (ROOT / "pyproject.toml").read_text()
