// @ts-check
// <why-panel>: says over the picture why each item is what it is said to be.

import { LOOKS } from "./box-overlay.js";
import { copyOf, part } from "../dom.js";
import { say } from "../options.js";

/** @typedef {import("../connection/protocol.js").Detection} Detection */
/** @typedef {import("../connection/protocol.js").FrameResult} FrameResult */
/** @typedef {import("../connection/protocol.js").View} View */

const STAYS_MS = 4000;
const TRACKS_MAX = 4;

export class WhyPanel extends HTMLElement {
  /** @type {Map<number, {detection: Detection, at: number}>} the items of the last seconds */
  items = new Map();

  connectedCallback() {
    this.list = part(this, "tracks", HTMLElement);
    this.frameLine = part(this, "frame", HTMLElement);
  }

  /** @param {boolean} on */
  turn(on) {
    this.hidden = !on;
    if (!on) this.items.clear();
  }

  /** @param {FrameResult} result */
  show({ frame, dropped, detections, timing_ms, debug }) {
    if (this.hidden || !this.list || !this.frameLine) return;
    const now = performance.now();
    for (const detection of detections) if (detection.why) this.items.set(detection.track, { detection, at: now });
    for (const [track, { at }] of this.items) if (now - at > STAYS_MS) this.items.delete(track);
    const facts = [say("why_frame", { frame }), say("why_time", { ms: Math.round(timing_ms.total ?? 0) })];
    if (debug) facts.push(say("why_proposals", { count: debug.proposals.length }), say(debug.changed ? "why_changed" : "why_still"));
    if (dropped) facts.push(say("why_dropped", { count: dropped }));
    this.frameLine.textContent = facts.join(" · ");
    const newest = [...this.items.values()].sort((one, other) => other.detection.track - one.detection.track);
    this.list.replaceChildren(...newest.slice(0, TRACKS_MAX).map(({ detection, at }) => this.row(detection, at === now)));
  }

  /** @param {Detection} detection @param {boolean} isHere */
  row(detection, isHere) {
    const row = copyOf(this, "track");
    const { why, state } = detection;
    row.classList.toggle("gone", !isHere);
    const head = part(row, "head", HTMLElement);
    const facts = [`${detection.track} ${LOOKS[state].sign}${say(`state_${state}`)}`];
    if (detection.name) facts.push(detection.name);
    if (detection.score !== null) facts.push(say("why_score", { score: number(detection.score), margin: number(detection.margin) }));
    if (why) facts.push(say("why_sightings", { count: why.sightings }));
    if (why && !why.inside) facts.push(say("why_outside"));
    head.textContent = facts.join(" · ");
    head.style.color = LOOKS[state].colour;
    part(row, "views", HTMLElement).replaceChildren(...(why?.views ?? []).map((view) => line(viewText(view))));
    part(row, "story", HTMLElement).replaceChildren(...(why?.story ?? []).map(({ text }) => line(text)));
    return row;
  }
}

/** @param {View} view */
function viewText({ frame, state, name, score, margin, quality }) {
  const known = say(["accepted", "ambiguous", "unknown"].includes(state) ? `state_${state}` : "state_candidate");
  const facts = say("why_view", { frame, score: number(score), margin: number(margin), quality: number(quality) });
  return `${facts} · ${known}${name ? ` · ${name}` : ""}`;
}

/** @param {string} text */
function line(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

/** @param {number | null} value */
function number(value) {
  return value === null ? "–" : value.toFixed(2);
}

customElements.define("why-panel", WhyPanel);
