// @ts-check
// The lane's own connection: says that it is there and how it does, calls staff, and hears what they want of it.

import { SteadySocket, closeCodes } from "../connection/steady-socket.js";
import { LaneTelemetry } from "./lane-telemetry.js";

/** @typedef {"waiting" | "shopping" | "paying" | "receipt"} Activity */
/** @typedef {"live" | "off" | "muted" | "frozen" | "dark"} CameraState */
/** @typedef {{kind: string, opened_at: string, taken_by: string | null}} LaneAlert */

const HEARTBEAT_MS = 5000;
const PATIENCE = { ping: 2000, said: 5000, again: 12_000 };

/**
 * Events: "ready" (detail: {lane, alerts, session_id}), "settings" (detail: {settings}), "alerts" (detail: {alerts}),
 * "command" (detail: {command, by, session_id}), "watch" (detail: {peer, by, mode, ice_servers}), "unwatch" (detail:
 * {peer}), "signal" (detail: {peer, data}), "state" (detail: {state, code}).
 */
export class LaneLink extends EventTarget {
  /** @type {Activity} */
  activityNow = "waiting";
  /** @type {CameraState} */
  cameraNow = "off";
  telemetry = new LaneTelemetry();

  /** @param {string} [path] */
  constructor(path = "/api/ws/lane") {
    super();
    this.socket = new SteadySocket(path, "lane.ready", PATIENCE, [closeCodes.replaced]);
    this.socket.addEventListener("message", (event) => this.received(/** @type {CustomEvent} */ (event).detail));
    this.socket.addEventListener("state", (event) => this.stateChanged(/** @type {CustomEvent} */ (event).detail));
    this.timer = 0;
  }

  open() {
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.socket.open();
  }

  close() {
    clearInterval(this.timer);
    this.socket.close();
  }

  get isAnswering() {
    return this.socket.isAnswering;
  }

  /** Says what the lane is doing. @param {Activity} name */
  activity(name) {
    if (name === this.activityNow) return;
    this.activityNow = name;
    this.heartbeat();
  }

  /** Says what the camera gives. @param {CameraState} state */
  camera(state) {
    if (state === this.cameraNow) return;
    this.cameraNow = state;
    this.telemetry.camera = state;
    this.heartbeat();
  }

  /** Calls staff, about an unresolved item where one is named; false when nobody answers. @param {string | null} [unresolvedId] */
  help(unresolvedId = null) {
    return this.socket.command({ type: "help", unresolved_id: unresolvedId });
  }

  cancelHelp() {
    return this.socket.command({ type: "help.cancel" });
  }

  /** Tells staff of what a shopper cannot mend. @param {"payment" | "approval"} kind */
  trouble(kind) {
    return this.socket.command({ type: "trouble", kind });
  }

  /** Says something to the member of staff who watches. @param {string} peer @param {Record<string, unknown>} data */
  signal(peer, data) {
    return this.socket.command({ type: "signal", peer, data });
  }

  /** @param {Blob} picture */
  picture(picture) {
    return this.socket.picture(picture);
  }

  beat() {
    this.heartbeat();
    this.telemetrySend();
  }

  heartbeat() {
    this.socket.command({ type: "heartbeat", activity: this.activityNow, camera: this.cameraNow });
  }

  telemetrySend() {
    if (!this.isAnswering) return;
    for (const minute of this.telemetry.take()) this.socket.command({ type: "telemetry", ...minute });
  }

  /** @param {Record<string, any> & {type: string}} message */
  received(message) {
    const { type, ...detail } = message;
    const name = {
      "lane.ready": "ready",
      "lane.settings": "settings",
      "lane.alerts": "alerts",
      "lane.command": "command",
      "watch.started": "watch",
      "watch.ended": "unwatch",
      signal: "signal",
    }[type];
    if (type === "lane.ready") this.beat();
    if (name) this.tell(name, detail);
  }

  /** @param {{state: import("../connection/steady-socket.js").LinkState, code: number}} detail */
  stateChanged(detail) {
    if (detail.state === "connecting" && this.socket.tries) this.telemetry.reconnected();
    this.tell("state", detail);
  }

  /** @param {string} name @param {Record<string, unknown>} detail */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
