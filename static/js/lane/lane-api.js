// @ts-check
// Requests of the lane's page to the server.

import { csrfToken } from "../dom.js";

const WAIT_MS = 8000;

/** @typedef {{ok: boolean, status: number, body: Record<string, any>}} Answer status 0: no answer */

/**
 * @param {string} path
 * @param {Record<string, unknown> | null} [body] null: only asks
 * @param {"POST" | "PATCH" | "GET"} [method]
 * @returns {Promise<Answer>}
 */
export async function laneRequest(path, body = null, method = body ? "POST" : "GET") {
  try {
    const answer = await fetch(path, {
      method,
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const text = await answer.text();
    return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : {} };
  } catch (error) {
    console.error(error);
    return { ok: false, status: 0, body: {} };
  }
}
