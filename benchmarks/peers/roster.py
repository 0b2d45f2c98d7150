"""Who takes part, how each is set up, and what of its time is a timer. Pure.

A command may name {python} and {bin} of the peer's environment, its {folder} here, {home}, a folder of its own that is empty
at first, and {port}, a free one. So may variables, and also {secret}, and the URLs {broker}, {results} and {database}, the last
one for SQLAlchemy as {sqlalchemy} and {asyncpg} too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.peers.workloads import NAMES


@dataclass(frozen=True, slots=True)
class Service:
    """A process that runs beside the adapter; ready when `url` answers, if it has one."""

    name: str
    command: Sequence[str]
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """`name` chooses it and is the folder of its adapter and its environment, unless `folder` says another."""

    name: str
    label: str
    adapter: str
    timers: str
    folder: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    prepare: Sequence[Sequence[str]] = field(default=(), hash=False)
    services: Sequence[Service] = field(default=(), hash=False)
    plays: Sequence[str] = NAMES
    slow: bool = False
    """One turn of it takes minutes, so it gets one."""
    seconds: float = 300.0
    """What one job may take before it counts as stuck."""
    to_beat: bool = False

    @property
    def home(self) -> str:
        return self.folder or self.name


PEERS = (
    Peer(
        "dbos-process",
        "DBOS in one process",
        "in_process.py",
        "none: steps are coroutines of one process, which records each",
        folder="dbos",
        to_beat=True,
    ),
    Peer(
        "dbos-queue",
        "DBOS by its queue",
        "by_queue.py",
        "its queue and the results of its workflows are polled every 1 s, both as it sets them itself",
        folder="dbos",
        slow=True,
        seconds=900.0,
    ),
    Peer(
        "procrastinate",
        "procrastinate, counters in SQL",
        "flows.py",
        "none: told of jobs by NOTIFY; what a step waits for is counted by hand in a table of the benchmark's",
        prepare=(("{python}", "{folder}/flows.py", "prepare"),),
        services=(Service("worker", ("{python}", "{folder}/flows.py", "work")),),
    ),
    Peer(
        "celery-director",
        "celery-director",
        "flows.py",
        "sleeps 0.5 s before it closes a workflow; cannot do W3: its workflows are chains of tasks and groups",
        variables={
            "DIRECTOR_HOME": "{home}",
            "DIRECTOR_DATABASE_URI": "{database}",
            "DIRECTOR_BROKER_URI": "{broker}",
            "DIRECTOR_RESULT_BACKEND_URI": "{results}",
        },
        prepare=(("{python}", "{folder}/prepare.py"), ("{bin}/director", "db", "upgrade")),
        services=(
            Service("worker", ("{bin}/celery", "-A", "director._auto:cel", "worker", "-P", "prefork", "-c", "4")),
        ),
        plays=("W1", "W2", "W4"),
    ),
    Peer(
        "prefect",
        "Prefect",
        "flows.py",
        "flow runs end on whole seconds, and before the last of their steps are recorded",
        variables={
            "PREFECT_HOME": "{home}",
            "PREFECT_API_URL": "http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": "{asyncpg}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "DO_NOT_TRACK": "1",
        },
        services=(
            Service(
                "server",
                ("{bin}/prefect", "server", "start", "--host", "127.0.0.1", "--port", "{port}", "--no-ui"),
                "http://127.0.0.1:{port}/api/health",
            ),
        ),
    ),
    Peer(
        "dagster",
        "Dagster in process",
        "flows.py",
        "none: the run queue, which polls every 5 s, is left out; its in-process executor runs one step at a time",
        variables={
            "DAGSTER_HOME": "{home}",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DAGSTER_DATABASE_URL": "{sqlalchemy}",
        },
        seconds=600.0,
    ),
    Peer(
        "airflow",
        "Airflow, LocalExecutor",
        "flows.py",
        "its scheduler idles 1 s when it finds nothing to do, and each step is a new process",
        variables={
            "AIRFLOW_HOME": "{home}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "{sqlalchemy}",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": "{home}/dags",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:{port}/execution/",
            "AIRFLOW__API__PORT": "{port}",
            "AIRFLOW__API__BASE_URL": "http://127.0.0.1:{port}",
            "AIRFLOW__API_AUTH__JWT_SECRET": "{secret}",
            "AIRFLOW__API__SECRET_KEY": "{secret}",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        },
        prepare=(("{bin}/airflow", "db", "migrate"),),
        services=(
            Service(
                "api",
                ("{bin}/airflow", "api-server", "--port", "{port}", "--host", "127.0.0.1", "--workers", "1"),
                "http://127.0.0.1:{port}/api/v2/version",
            ),
            Service("scheduler", ("{bin}/airflow", "scheduler")),
            Service("dags", ("{bin}/airflow", "dag-processor")),
        ),
        slow=True,
        seconds=900.0,
    ),
)


def chosen(names: str) -> list[Peer]:
    """Peers by their names with commas between, all of them when there are none; `dbos` means both of its ways."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {name for peer in PEERS for name in (peer.name, peer.home)}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise ValueError(f"unknown peer {', '.join(unknown)}: choose from {', '.join(peer.name for peer in PEERS)}")
    return [peer for peer in PEERS if not wanted or peer.name in wanted or peer.home in wanted]
