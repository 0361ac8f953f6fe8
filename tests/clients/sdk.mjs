// The words of the story, as the older TypeScript SDK calls them.

import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { updated, words } from "./words.mjs";

export function overSdk(client) {
  return {
    ...words(client),
    follow: async (uri) => {
      const told = updated(client, ResourceUpdatedNotificationSchema, uri);
      await client.subscribeResource({ uri });
      return () => told;
    },
  };
}
