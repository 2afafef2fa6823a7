"""Lists the fields of ECS's requests from a service-2.json(.gz) of botocore."""

import gzip
import json
import sys

path = sys.argv[1]
with (gzip.open if path.endswith(".gz") else open)(path) as file:
    SHAPES = json.load(file)["shapes"]
PLAIN = {"string": "string", "integer": "integer", "long": "integer",
         "double": "number", "float": "number", "boolean": "boolean"}
done = set()


def kind(name):
    shape = SHAPES[name]
    if shape["type"] == "list":
        return f"list<{kind(shape['member']['shape'])}>"
    if shape["type"] == "map":
        return "map"
    if shape["type"] == "structure":
        return name if shape["members"] else "any"
    return "|".join(shape["enum"]) if "enum" in shape else PLAIN[shape["type"]]


def fields(name, shown):
    if name in done:
        return
    done.add(name)
    shape = SHAPES[name]
    for field, member in shape["members"].items():
        star = "*" if field in shape.get("required", []) else ""
        print(f"{shown}.{field}{star} {kind(member['shape'])}")
    for member in shape["members"].values():
        below = member["shape"]
        while SHAPES[below]["type"] == "list":
            below = SHAPES[below]["member"]["shape"]
        if SHAPES[below]["type"] == "structure":
            fields(below, below)


for request in ("RegisterTaskDefinition", "UpdateService"):
    fields(request + "Request", request)
for shown in ("Service", "Deployment", "ServiceRevision"):
    print(f"seen: {shown}", *SHAPES[shown]["members"])
