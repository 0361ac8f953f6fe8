// What every client of MCP must be able to do with a host, told in the few words that all of them share.
//
// A client script gives what its library calls these things; the story is the same for all.

import assert from "node:assert/strict";

const PLAYBOOK = "orgata://playbook/default/pbj-sandwich";

// Whatever happens, a story ends.
setTimeout(() => {
  console.error("the story took too long");
  process.exit(1);
}, 120_000).unref();

export async function story(client) {
  // It finds its way.
  const tools = await client.tools();
  assert.ok(tools.includes("execute_playbook"), `tools: ${tools}`);
  const resources = await client.resources();
  assert.ok(resources.includes(PLAYBOOK), `resources: ${resources}`);
  assert.match(await client.read(PLAYBOOK), /pbj-sandwich/);

  // It completes what somebody begins to write.
  if (client.complete) {
    const completed = await client.complete("orgata://playbook/{runtime}/{playbook}", "playbook", "pbj", { runtime: "default" });
    assert.ok(completed.includes("pbj-sandwich"), `completed: ${completed}`);
  }

  // It makes a sandwich, and asks its person.
  const started = await client.call("execute_playbook", {
    runtimeId: "default",
    playbookName: "pbj-sandwich",
    input: { sandwichType: "classic" },
    wait: "10s",
  });
  assert.ok(started.executionId, JSON.stringify(started));
  const execution = `orgata://execution/${started.executionId}`;
  const told = client.follow ? await client.follow(execution) : undefined;
  // On a busy machine the first step may still be at work.
  let items = [];
  while (items.length === 0) {
    ({ items } = await client.call("get_pending_interventions", { executionId: started.executionId }));
  }
  assert.equal(items.length, 1, JSON.stringify(items));
  await client.call("intervene_execution", {
    executionId: started.executionId,
    interventionId: items[0].id,
    response: { jelly_flavor: "grape" },
  });

  // It is told of the end, or looks for it.
  if (told) await told();
  let ended = await client.call("get_execution", { executionId: started.executionId });
  while (["running", "waiting"].includes(ended.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    ended = await client.call("get_execution", { executionId: started.executionId });
  }
  assert.equal(ended.status, "succeeded", JSON.stringify(ended));
  console.log("made a sandwich");
}
