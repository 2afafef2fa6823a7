"""A stand-in for ECS and ECR that is all converged: services on one revision
each, images that are there. Every answer takes the given latency, and calls are
held to the rates that AWS publishes. Prints its port; and on SIGUSR1, how often
each operation was called and refused since the last time, as JSON. Written apart from
evenkeel's own sandbox, so that neither judges itself.

usage: standin.py LATENCY_MS"""

import asyncio
import json
import signal
import sys
import time

ACCOUNT, REGION = "123456789012", "us-west-1"
LATENCY = float(sys.argv[1]) / 1000
EVENTS = [
    {"id": f"e{n}", "createdAt": 1.7e9 + n, "message": f"(service web) has reached a steady state. {n}"}
    for n in range(100)
]
# burst, a second
RATES = {
    "DescribeServices": (100, 20),
    "ListServices": (100, 20),
    "DescribeTaskDefinition": (50, 20),
    "ListTaskDefinitions": (50, 20),
    "DescribeServiceRevisions": (50, 20),
    "BatchGetImage": (2000, 2000),
}
buckets, called, refused = {}, {}, {}


def allowed(operation):
    burst, rate = RATES.get(operation, (1e9, 1e9))
    now = time.monotonic()
    left, since = buckets.get(operation, (burst, now))
    left = min(burst, left + (now - since) * rate)
    buckets[operation] = (left - 1 if left >= 1 else left, now)
    return left >= 1


def digest(tag):
    return "sha256:" + (tag.encode().hex() * 64)[:64]


def answer(operation, body):
    if operation == "DescribeServices":
        cluster = body["cluster"]
        return {"services": [service(cluster, name) for name in body["services"]], "failures": []}
    if operation == "DescribeTaskDefinition":
        arn = body["taskDefinition"]
        family = arn.split("/")[1].split(":")[0]
        image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/web:1@{digest('1')}"
        return {
            "taskDefinition": {
                "taskDefinitionArn": arn, "family": family, "revision": 1, "status": "ACTIVE",
                "networkMode": "awsvpc", "cpu": "256", "memory": "512",
                "requiresCompatibilities": ["FARGATE"],
                "containerDefinitions": [{
                    "name": "app", "image": image, "cpu": 0, "essential": True,
                    "environment": [{"name": f"KEY_{n}", "value": "x" * 60} for n in range(40)],
                }],
            },
            "tags": [],
        }
    if operation == "BatchGetImage":
        return {
            "images": [
                {"imageId": {**one, "imageDigest": digest(one["imageTag"])}, "imageManifest": "{}"}
                for one in body["imageIds"]
            ],
            "failures": [],
        }
    return None


def service(cluster, name):
    definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{cluster}-{name}:1"
    return {
        "serviceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{cluster}/{name}",
        "serviceName": name, "status": "ACTIVE", "taskDefinition": definition,
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "events": EVENTS,
        "deployments": [{
            "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": definition,
            "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
            "rolloutState": "COMPLETED", "createdAt": 1.7e9,
        }],
    }


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            operation = fields["x-amz-target"].split(".")[1]
            operation = next((one for one in RATES if one.lower() == operation), operation)
            called[operation] = called.get(operation, 0) + 1
            ok = allowed(operation)
            await asyncio.sleep(LATENCY)
            result = answer(operation, json.loads(body)) if ok else None
            if result is None:
                refused[operation] = refused.get(operation, 0) + 1
                kind = "ThrottlingException" if not ok else "ClientException"
                result = {"__type": kind, "message": "Rate exceeded" if not ok else operation}
            status = "400 Bad Request" if "__type" in result else "200 OK"
            data = json.dumps(result).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n"
                f"content-length: {len(data)}\r\n\r\n".encode() + data
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def tell():
    print(json.dumps({"called": called, "refused": refused}), flush=True)
    called.clear()
    refused.clear()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    await server.serve_forever()


asyncio.run(main())
