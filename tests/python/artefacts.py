#!/usr/bin/env python3
"""Makes what `infra/build` would make, out of programs that are built already, for a trial without cross-compiling.

usage: artefacts.py TEMPLATE PROGRAMS TO
The template as `sam build` leaves it, and for each function a `bootstrap` with the head of the program that is built here:
enough for `infra/deploy` to see for which machine it is. `cloud.py` runs the programs themselves.
"""
import json, pathlib, sys
from samtranslator.yaml_helper import yaml_parse

template, programs, to = map(pathlib.Path, sys.argv[1:])
read = yaml_parse(template.read_text())
for name, it in read["Resources"].items():
    if it["Type"] == "AWS::Serverless::Function":
        folder = to / name
        folder.mkdir(parents=True)
        with open(programs / it["Metadata"]["BuildProperties"]["Binary"], "rb") as program:
            (folder / "bootstrap").write_bytes(program.read(64))
        it["Properties"]["CodeUri"] = name
del read["Globals"]["Function"]["CodeUri"]
(to / "template.yaml").write_text(json.dumps(read))
