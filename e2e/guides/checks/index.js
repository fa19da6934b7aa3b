// Every check, by the name that the pages use: when it runs, and how. `run` gets the blocks of that name in the order of the pages, and
// answers why it could not run on this machine, if so.

import { API_CHECKS } from "./api.js";
import { FILE_CHECKS } from "./files.js";
import { FRONT_PROXY_CHECKS } from "./front_proxies.js";
import { JWT_CHECKS } from "./jwt.js";
import { OPERATOR_CHECKS } from "./operator.js";
import { POSTGRES_CHECKS } from "./postgres.js";
import { PROXY_CHECKS } from "./proxies.js";
import { SOURCE_CHECKS } from "./sources.js";
import { WEBHOOK_CHECKS } from "./webhooks.js";

export const CHECKS = {
  ...FILE_CHECKS,
  ...SOURCE_CHECKS,
  ...API_CHECKS,
  ...JWT_CHECKS,
  ...WEBHOOK_CHECKS,
  ...POSTGRES_CHECKS,
  ...OPERATOR_CHECKS,
  ...PROXY_CHECKS,
  ...FRONT_PROXY_CHECKS,
};
