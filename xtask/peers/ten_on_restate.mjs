// Ten durable steps on Restate, for `cargo xtask bench peers`.
//
// Serves them, starts Restate's server beside, makes the two known to each other, and then prints where the
// server takes requests: `POST /Ten/run` with a number gives that number and ten. Runs until it is killed,
// by its process group: the server is its child.
//
// The server has its defaults, which flush to disk, but for two partitions: as many as the machine that is
// measured has processors. The service answers over HTTP/2 in both directions, the quicker of its two modes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import * as restate from "@restatedev/restate-sdk";

const STEPS = 10;

// The kit calls it, and Node 20 does not have it.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const ten = restate.service({
  name: "Ten",
  handlers: {
    run: async (ctx, begin) => {
      let count = begin;
      for (let step = 1; step <= STEPS; step += 1) {
        const before = count;
        count = await ctx.run(`s${step}`, () => before + 1);
      }
      return count;
    },
  },
});

/** Ports that are free now, all different. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Tries until the answer is good. The caller of this script has patience for so long, and no longer. */
async function insist(address, request) {
  for (;;) {
    const answer = await fetch(address, request).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
}

const [service, ingress, admin, fabric] = await freePorts(4);
await restate.serve({ services: [ten], port: service });

// Not by the package's own launcher: that is one more process, and its memory would be counted.
const binary = `@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`;
const server = spawn(createRequire(import.meta.url).resolve(binary), ["--no-logo", "--base-dir", process.argv[2]], {
  // Standard output is for the line below.
  stdio: ["ignore", 2, 2],
  env: {
    ...process.env,
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_IP: "127.0.0.1",
    RESTATE_BIND_PORT: String(fabric),
    RESTATE_INGRESS__BIND_PORT: String(ingress),
    RESTATE_ADMIN__BIND_PORT: String(admin),
    RESTATE_DEFAULT_NUM_PARTITIONS: "2",
    RESTATE_LOG_FILTER: "warn",
    RESTATE_DISABLE_TELEMETRY: "true",
  },
});
server.on("exit", (code) => process.exit(code ?? 1));

await insist(`http://127.0.0.1:${admin}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${service}`, force: true }),
});
await insist(`http://127.0.0.1:${ingress}/Ten/run`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: "0",
});
console.log(`ready at http://127.0.0.1:${ingress}`);
