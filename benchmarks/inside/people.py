"""Make people; print (token, personal organization) of each as JSON. `python -m benchmarks.inside.people COUNT`."""

from __future__ import annotations

import json
import sys

from apps.accounts.queries import organization_for
from apps.accounts.services import create_token, create_user
from apps.core.tenancy import acting_as


def main(count: int) -> list[tuple[str, str]]:
    made = []
    for number in range(count):
        user = create_user(email=f"tenant{number}@example.org", password=None, display_name=f"Tenant {number}")
        _, token = create_token(actor=user, name="benchmark")
        with acting_as(user.pk):
            made.append((token, str(organization_for(actor=user).pk)))
    return made


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
