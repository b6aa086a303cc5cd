"""What it adds to a request that the api asks the hub who it is: 200 people, 50 requests/s."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from analyticspro.config import Home, environment  # noqa: E402
from tests.local import free_port, until  # noqa: E402

RATE = 50  # requests a second
PATH = "/v1/metrics"
# Beside the configuration that AnalyticsPro makes: people who are there from the start, and one
# who may make tokens for them.
CONFIGURATION = """
from analyticspro.policy import Role, load_groups, load_roles
names = [f"p{{number}}" for number in range({people})]
c.Authenticator.manage_groups = False
c.JupyterHub.load_groups = load_groups({{Role.VIEWER: names}})
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    *load_roles(), {{"name": "bench", "services": ["bench"], "scopes": ["tokens", "read:users"]}}
]
"""


@contextmanager
def running(home: Home, people: int, token: str) -> Iterator[psutil.Process]:
    """Run hub, proxy and api of a home; give the hub's process."""
    home.write_settings(**{
        name: free_port()
        for name in ("port", "api_port", "hub_port", "hub_api_port", "proxy_api_port")
    })  # fmt: skip
    text = CONFIGURATION.format(people=people, token=token)
    (home.path / "jupyterhub_config.py").write_text(text)
    env = {**environment(), "PYTHONPATH": str(ROOT)}
    started = []
    with (home.path / "logs" / "bench.log").open("w") as log:
        try:
            for module in ("hub.proxy", "hub", "api"):
                command = [sys.executable, "-m", f"analyticspro.{module}", "--home", str(home.path)]
                started.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
            for port in (home.settings.hub_api_port, home.settings.api_port):
                until(lambda port=port: answers(port), 60)  # type: ignore[misc]
            yield psutil.Process(started[1].pid)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(60)


def answers(port: int) -> bool:
    try:
        # The hub's API tells its version; the api does not know you.
        return httpx.get(f"http://127.0.0.1:{port}/hub/api/").status_code in (200, 401)
    except httpx.HTTPError:
        return False


def tokens(home: Home, people: int, token: str) -> list[str]:
    """Return a token of each person."""
    api = f"http://127.0.0.1:{home.settings.hub_api_port}/hub/api"
    headers = {"Authorization": f"token {token}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        made = [
            client.post(f"{api}/users/p{number}/tokens", json={"note": "bench"})
            for number in range(people)
        ]
    return [str(answer.raise_for_status().json()["token"]) for answer in made]


async def load(home: Home, held: Sequence[str], seconds: float) -> list[float]:
    """Send requests when they are due, of anybody; return how long after that each was answered."""
    found: list[float] = []
    draw = random.Random(2_026)
    url = f"http://127.0.0.1:{home.settings.api_port}{PATH}"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def one(due: float) -> None:
            headers = {"Authorization": f"Bearer {draw.choice(held)}"}
            answer = await client.get(url, headers=headers)
            assert answer.status_code == 200, answer.text
            found.append(1000 * (time.perf_counter() - due))

        started, tasks = time.perf_counter(), []
        for number in range(int(RATE * seconds)):
            due = started + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(due)))
        await asyncio.gather(*tasks)
    return found


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    owner: list[float] = []
    people: list[float] = []
    hub_s = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        home = Home(Path(folder) / "home").prepare()
        token = os.urandom(16).hex()
        with running(home, given.people, token) as hub:
            held = tokens(home, given.people, token)
            asyncio.run(load(home, [home.token()], 2))
            asyncio.run(load(home, held, 2))
            for _ in range(given.rounds):
                owner += asyncio.run(load(home, [home.token()], given.seconds))
                before = sum(hub.cpu_times()[:2])
                people += asyncio.run(load(home, held, given.seconds))
                hub_s += sum(hub.cpu_times()[:2]) - before
    figures = {
        "auth_p95_ms": round(p95(people) - p95(owner), 2),
        "people_p95_ms": round(p95(people), 2),
        "owner_p95_ms": round(p95(owner), 2),
        "people_p50_ms": round(sorted(people)[len(people) // 2], 2),
        "owner_p50_ms": round(sorted(owner)[len(owner) // 2], 2),
        "hub_cpu": round(hub_s / (given.rounds * given.seconds), 3),
    }
    print(json.dumps({"name": "auth", "cores": os.cpu_count(), "figures": figures}))


if __name__ == "__main__":
    main()
