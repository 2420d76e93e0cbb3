// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from "vitest";
import { ApiError, api } from "../src/api";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server that refuses so many calls, because others of the token come too fast; as the real one answers. */
function busy(refusals: number, headers: Record<string, string> = { "retry-after": "1" }) {
  vi.useFakeTimers();
  const calls: string[] = [];
  vi.stubGlobal("fetch", async (place: URL) => {
    calls.push(place.pathname);
    if (calls.length > refusals) return Response.json({ profiles: [] });
    const problem = { code: "rate_limited", error: "More than 250 calls a second with this token." };
    return Response.json(problem, { status: 429, headers });
  });
  return calls;
}

test("L7: a call that came too fast is made again, a second later each time", async () => {
  const calls = busy(3);
  const answer = api.profiles();
  await vi.advanceTimersByTimeAsync(2_999);
  expect(calls).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(1);
  await answer;
  expect(calls).toHaveLength(4);
});

test("L7: after five more tries the page shows the server's sentence", async () => {
  const calls = busy(99);
  const answer = api.profiles().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(60_000);
  const error = await answer;
  expect(calls).toHaveLength(6);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).code).toBe("rate_limited");
});

test("L7: a limit on how many there may be is no reason to come again", async () => {
  const calls = busy(1, {});
  await expect(api.profiles()).rejects.toThrow(ApiError);
  expect(calls).toHaveLength(1);
});
