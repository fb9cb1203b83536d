// @ts-check
// The console's connection: lanes and alerts as the server says them, and what staff want done, each with its answer.

import { SteadySocket } from "../connection/steady-socket.js";
import { say } from "../options.js";

/** @typedef {import("../connection/protocol.js").Cart} Cart */
/** @typedef {{id: string, name: string, code: string, store: string, status: string, activity: string, camera: string,
 *   last_seen_at: string | null, is_open: boolean, store_is_open: boolean, session_id: string | null, cart: Cart | null,
 *   pictures: {url: string, at: string}[],
 *   telemetry: {fps: number, p50_ms: number | null, p95_ms: number | null, dropped: number} | null,
 *   watched_by: string[]}} LaneView */
/** @typedef {{id: string, lane_id: string, kind: string, opened_at: string, acknowledged_at: string | null,
 *   acknowledged_by: string | null, mine: boolean, escalated: boolean}} AlertView */
/** @typedef {{ok: boolean, code: string, detail: string, data: Record<string, any>}} Answer */

const PATIENCE = { ping: 500, said: 1700, again: 6000 };
const ANSWER_WITHIN_MS = 8000;

/** Events: "lanes" (detail: {lanes, alerts}), "signal" (detail: {lane_id, data}), "state" (detail: {state, code}). */
export class StaffLink extends EventTarget {
  /** @param {string} path */
  constructor(path) {
    super();
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    this.number = 0;
    /** @type {Map<string, (answer: Answer) => void>} */
    this.waiting = new Map();
    this.socket = new SteadySocket(path, "staff.ready", PATIENCE, []);
    this.socket.addEventListener("message", (event) => this.received(/** @type {CustomEvent} */ (event).detail));
    this.socket.addEventListener("state", (event) => this.stateChanged(/** @type {CustomEvent} */ (event).detail));
  }

  open() {
    this.socket.open();
  }

  /** Asks for something, and returns what the server said to it. @param {Record<string, unknown>} command @returns {Promise<Answer>} */
  ask(command) {
    const request = String((this.number += 1));
    return new Promise((resolve) => {
      const unanswered = () => resolve({ ok: false, code: "not_sent", detail: say("not_sent"), data: {} });
      if (!this.socket.command({ ...command, request })) return unanswered();
      const timer = setTimeout(() => this.waiting.delete(request) && unanswered(), ANSWER_WITHIN_MS);
      this.waiting.set(request, (answer) => {
        clearTimeout(timer);
        this.waiting.delete(request);
        resolve(answer);
      });
    });
  }

  /** @param {Record<string, any> & {type: string}} message */
  received(message) {
    const { type, ...detail } = message;
    if (type === "staff.ready") this.iceServers = detail.ice_servers;
    else if (type === "done") this.waiting.get(detail.request)?.({ ok: true, code: "", detail: "", data: {} });
    else if (type === "error") {
      this.waiting.get(detail.request)?.({ ok: false, code: detail.code, detail: detail.detail, data: detail.data ?? {} });
    } else if (type === "lanes" || type === "signal") this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {{state: import("../connection/steady-socket.js").LinkState, code: number}} detail */
  stateChanged(detail) {
    this.dispatchEvent(new CustomEvent("state", { detail }));
  }
}
