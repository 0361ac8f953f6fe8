"""What every client of MCP must be able to do with a host: the story of `story.mjs`, for clients in Python."""

import asyncio

PLAYBOOK = "orgata://playbook/default/pbj-sandwich"


async def story(client):
    # Whatever happens, a story ends.
    async with asyncio.timeout(120):
        await told(client)


async def told(client):
    # It finds its way.
    tools = await client.tools()
    assert "execute_playbook" in tools, tools
    resources = await client.resources()
    assert PLAYBOOK in resources, resources
    assert "pbj-sandwich" in await client.read(PLAYBOOK)

    # It completes what somebody begins to write.
    completed = await client.complete("orgata://playbook/{runtime}/{playbook}", "playbook", "pbj", {"runtime": "default"})
    assert "pbj-sandwich" in completed, completed

    # It makes a sandwich, and asks its person.
    started = await client.call(
        "execute_playbook",
        {"runtimeId": "default", "playbookName": "pbj-sandwich", "input": {"sandwichType": "classic"}, "wait": "10s"},
    )
    execution = started["executionId"]
    pending = {"items": []}
    # On a busy machine the first step may still be at work.
    while not pending["items"]:
        pending = await client.call("get_pending_interventions", {"executionId": execution})
    assert len(pending["items"]) == 1, pending
    async with client.following(f"orgata://execution/{execution}") as told:
        answer = {"interventionId": pending["items"][0]["id"], "response": {"jelly_flavor": "grape"}}
        await client.call("intervene_execution", {"executionId": execution, **answer})
        # It is told of what happens.
        await asyncio.wait_for(told, 10)

    ended = await client.call("get_execution", {"executionId": execution})
    while ended["status"] in ("running", "waiting"):
        await asyncio.sleep(0.05)
        ended = await client.call("get_execution", {"executionId": execution})
    assert ended["status"] == "succeeded", ended
    print("made a sandwich")
