// Waits for a condition, never for a time.

const PAUSE_MS = 20; // between two looks

/** Looks until `look` gives something truthy and answers that; fails after `limit` milliseconds. */
export async function waitFor(look, limit = 10_000, what = "the condition") {
  const deadline = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
