"""Run by the Python that has Argilla's client: our files into real datasets of a server, answers by its API, and back as files.

    python argilla_trip.py URL API_KEY FOLDER

FOLDER holds `mine-KIND.json` and `mine-KIND.settings.json` and gets `back-KIND.json`. A question is answered through the API as
an annotator does, in the record whose id is "q2".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import argilla as rg


def main(url: str, key: str, folder: Path) -> None:
    client = rg.Argilla(api_url=url, api_key=key)
    workspace = next(iter(client.workspaces), None) or rg.Workspace(name="trip", client=client).create()
    for records in sorted(folder.glob("mine-*.json")):
        if records.name.endswith(".settings.json"):
            continue
        kind = records.stem.removeprefix("mine-")
        settings = rg.Settings.from_json(folder / f"mine-{kind}.settings.json")
        dataset = rg.Dataset(f"trip-{kind}", workspace=workspace, settings=settings, client=client)
        dataset.create()
        rows = json.loads(records.read_text().replace("00000000-0000-0000-0000-000000000000", str(client.me.id)))
        dataset.records.log([rg.Record.from_dict(row) for row in rows])
        found = list(dataset.records(with_responses=True, with_suggestions=True))
        if kind == "questions":
            (second,) = [record for record in found if record.id == "q2"]
            start = second.fields["text"].index("ten days")
            values = {
                "question": {"value": "When?"},
                "spans": {"value": [{"start": start, "end": start + 8, "label": "answer"}]},
            }
            for response in client.api.http_client.get(f"/api/v1/datasets/{dataset.id}/records?include=responses").json()[
                "items"
            ]:
                if response["external_id"] == "q2":
                    client.api.http_client.put(
                        f"/api/v1/responses/{response['responses'][0]['id']}", json={"values": values, "status": "submitted"}
                    ).raise_for_status()
        dataset.records(with_responses=True, with_suggestions=True).to_json(folder / f"back-{kind}.json")
        print(kind, len(found), "records")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
