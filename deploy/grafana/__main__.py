"""`python -m deploy.grafana`: writes deploy/grafana/dashboards."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.errors import errors
from deploy.grafana.models import models
from deploy.grafana.overview import overview
from deploy.grafana.policy import policy

FOLDER = Path(__file__).with_name("dashboards")


def rendered() -> dict[str, str]:
    """Every dashboard as JSON, by the name of its file."""
    made = {"overview": overview(), "policy": policy(), "models": models(), "errors": errors()}
    encoder = JSONEncoder(sort_keys=True, indent=1)
    return {f"{name}.json": encoder.encode(each.build()) + "\n" for name, each in made.items()}


if __name__ == "__main__":
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
