// The TypeScript client of the newer line (`@modelcontextprotocol/client`), over streamable HTTP, in both eras.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { story } from "./story.mjs";
import { updated, words } from "./words.mjs";

for (const mode of ["legacy", { pin: "2026-07-28" }]) {
  const client = new Client({ name: "story", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
  await story({ ...words(client), follow: following(client, mode === "legacy") });
  await client.close();
}

function following(client, legacy) {
  return async (uri) => {
    const told = updated(client, "notifications/resources/updated", uri);
    const stream = legacy
      ? await client.subscribeResource({ uri })
      : await client.listen({ resourceSubscriptions: [uri] });
    return async () => {
      await told;
      if (!legacy) await stream.close();
    };
  };
}
