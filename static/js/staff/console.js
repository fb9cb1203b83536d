// @ts-check
// The staff console: alerts to take, lanes to look at, and one lane in detail.

import { chime, soundUnlock } from "../cart/chime.js";
import { ConnectionPill } from "../connection/connection-pill.js";
import { closeCodes } from "../connection/steady-socket.js";
import { copyOf, part } from "../dom.js";
import { money, options, say, sayCount } from "../options.js";
import { preferences } from "../preferences.js";
import { LanePanel, refusalText } from "./lane-panel.js";
import { iconShow, rowsShow, textShow } from "./rows.js";
import { StaffLink } from "./staff-link.js";

/** @typedef {import("./staff-link.js").AlertView} AlertView */
/** @typedef {import("./staff-link.js").LaneView} LaneView */

const CLOCK_MS = 5000;
const SAID_MS = 6000;
const KIND_ICONS = { help: "question", unresolved: "product", approval: "lock", payment: "receipt", offline: "signal", dismissals: "bin" };
const STATUS_ICONS = { online: "check", busy: "cart", needs_help: "warning", offline: "cross" };

const page = document.body;
const pill = /** @type {ConnectionPill} */ (page.querySelector("connection-pill"));
const panel = /** @type {LanePanel} */ (page.querySelector("lane-panel"));
const link = new StaffLink(options.socket_path);
/** @type {{lanes: LaneView[], alerts: AlertView[]}} */
let shown = { lanes: [], alerts: [] };
/** @type {Set<string> | null} the alerts that were there before; null: none were shown yet */
let known = null;
let saidTimer = 0;

/** @param {string} laneId */
function laneName(laneId) {
  return shown.lanes.find((lane) => lane.id === laneId)?.name ?? "";
}

/** @param {string} opened */
function ago(opened) {
  const seconds = Math.max(0, (Date.now() - Date.parse(opened)) / 1000);
  if (seconds < 10) return say("now");
  const format = new Intl.RelativeTimeFormat(options.language, { style: "short" });
  if (seconds < 60) return format.format(-Math.round(seconds / 10) * 10, "second");
  return seconds < 3600 ? format.format(-Math.floor(seconds / 60), "minute") : format.format(-Math.floor(seconds / 3600), "hour");
}

// Alerts

function alertsShow() {
  const order = (/** @type {AlertView} */ one) => (one.escalated ? 0 : one.acknowledged_at ? 2 : 1);
  const alerts = [...shown.alerts].sort((a, b) => order(a) - order(b) || a.opened_at.localeCompare(b.opened_at));
  const list = part(page, "alerts", HTMLElement);
  const focused = list.contains(document.activeElement);
  rowsShow(list, alerts, alertMake, alertShow);
  if (focused && !list.contains(document.activeElement)) document.getElementById("alerts-title")?.focus();
  part(page, "no-alerts", HTMLElement).hidden = alerts.length > 0;
  textShow(part(page, "alert-count", HTMLElement), alerts.length ? sayCount("alerts", alerts.length) : "");
}

/** @param {AlertView} alert */
function alertMake(alert) {
  const row = copyOf(page, "alert-row");
  part(row, "take", HTMLButtonElement).addEventListener("click", () => void askAbout("alert.acknowledge", alert.id));
  part(row, "done", HTMLButtonElement).addEventListener("click", () => void askAbout("alert.resolve", alert.id));
  part(row, "where", HTMLButtonElement).addEventListener("click", () => laneOpen(alert.lane_id));
  return row;
}

/** @param {HTMLElement} row @param {AlertView} alert */
function alertShow(row, alert) {
  const [kind, lane] = [say(`kind_${alert.kind}`), laneName(alert.lane_id)];
  row.classList.toggle("escalated", alert.escalated && !alert.acknowledged_at);
  row.classList.toggle("taken", Boolean(alert.acknowledged_at));
  iconShow(part(row, "mark", HTMLElement), alert.escalated && !alert.acknowledged_at ? "warning" : KIND_ICONS[/** @type {"help"} */ (alert.kind)]);
  textShow(part(row, "kind", HTMLElement), kind);
  textShow(part(row, "where", HTMLElement), lane);
  textShow(part(row, "when", HTMLElement), ago(alert.opened_at));
  const taken = alert.mine ? say("taken_by_me") : alert.acknowledged_by ? say("taken_by", { name: alert.acknowledged_by }) : "";
  textShow(part(row, "taken", HTMLElement), taken ? ` · ${taken}` : "");
  const [take, done] = [part(row, "take", HTMLButtonElement), part(row, "done", HTMLButtonElement)];
  if (take === document.activeElement && taken) done.focus();
  take.hidden = Boolean(taken);
  take.setAttribute("aria-label", say("take_about", { kind, lane }));
  done.setAttribute("aria-label", say("done_about", { kind, lane }));
}

/** @param {string} type @param {string} id */
async function askAbout(type, id) {
  const answer = await link.ask({ type, id });
  if (!answer.ok) sayNow(refusalText(answer));
}

/** @param {string} text */
function sayNow(text) {
  const said = part(page, "said", HTMLElement);
  said.hidden = !text;
  said.textContent = text;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => (said.hidden = true), SAID_MS);
}

/** Says and sounds what is new, but not what was there when the page came. */
function newsTell() {
  const fresh = known ? shown.alerts.filter((alert) => !known?.has(alert.id) && !alert.acknowledged_at) : [];
  known = new Set(shown.alerts.map((alert) => alert.id));
  if (!fresh.length) return;
  chime("alert");
  const words = fresh.map((alert) => say("new_alert", { kind: say(`kind_${alert.kind}`), lane: laneName(alert.lane_id) }));
  textShow(part(page, "news", HTMLElement), words.join(". "));
  if (panel.lane) panel.say(words.join(". ")); // the page behind an open panel is neither seen nor heard
}

// Lanes

function lanesShow() {
  rowsShow(part(page, "lanes", HTMLElement), shown.lanes, laneMake, laneShow);
  part(page, "no-lanes", HTMLElement).hidden = shown.lanes.length > 0;
}

/** @param {LaneView} lane */
function laneMake(lane) {
  const row = copyOf(page, "lane-card");
  row.querySelector("button")?.addEventListener("click", () => laneOpen(lane.id));
  return row;
}

/** @param {string} id */
function laneOpen(id) {
  const lane = shown.lanes.find((one) => one.id === id);
  if (lane) panel.open(link, lane);
}

/** @param {LaneView} lane */
function closedText({ is_open: isOpen, store_is_open: storeIsOpen }) {
  if (isOpen && storeIsOpen) return "";
  return ` · ${say(isOpen ? "after_hours" : "closed")}`;
}

/** @param {HTMLElement} row @param {LaneView} lane */
function laneShow(row, lane) {
  const { cart } = lane;
  row.dataset.status = lane.status;
  textShow(part(row, "code", HTMLElement), lane.code);
  textShow(part(row, "name", HTMLElement), lane.name);
  iconShow(part(row, "status-mark", HTMLElement), STATUS_ICONS[/** @type {"online"} */ (lane.status)]);
  textShow(part(row, "status", HTMLElement), `${say(`status_${lane.status}`)}${closedText(lane)}`);
  const total = cart?.total_amount == null ? "" : money(cart.total_amount, cart.currency);
  textShow(part(row, "total", HTMLElement), cart?.total_items ? total || say("no_total") : "–");
  textShow(part(row, "items", HTMLElement), cart ? sayCount("items", cart.total_items) : say("nobody"));
  const open = cart?.unresolved?.length ?? 0;
  textShow(part(row, "open", HTMLElement), open ? sayCount("unresolved", open) : "");
  iconShow(part(row, "camera-mark", HTMLElement), lane.camera === "live" ? "camera" : "camera-off");
  textShow(part(row, "camera", HTMLElement), say(`camera_${lane.camera}`));
  textShow(part(row, "watched", HTMLElement), lane.watched_by.length ? say("watched_by", { names: lane.watched_by.join(", ") }) : "");
  const pictures = lane.pictures.map(({ url }) => ({ id: url }));
  rowsShow(part(row, "pictures", HTMLElement), pictures, pictureMake, () => {});
}

/** @param {{id: string}} picture */
function pictureMake(picture) {
  const image = new Image(40, 40);
  image.alt = "";
  image.src = picture.id;
  return image;
}

// Connection

/** @param {string} state @param {number} code */
function stateShow(state, code) {
  const on = state === "on";
  const words = { on: "connected", connecting: "connecting", silent: "reconnecting", off: "reconnecting", refused: "logged_out" };
  const key = code === closeCodes.forbidden ? "forbidden" : words[/** @type {"on"} */ (state)];
  pill.show(on, say(key));
  // While it connects for the first time nothing old is shown.
  const lost = !on && (state !== "connecting" || known !== null);
  page.classList.toggle("is-lost", lost);
  part(page, "lost", HTMLElement).hidden = !lost;
  const text = state === "refused" ? say(key) : say("lost");
  textShow(part(page, "lost-text", HTMLElement), text);
  panel.lost(lost ? text : "");
  if (state === "refused" && code !== closeCodes.forbidden) location.assign(options.login_path);
}

function soundShow() {
  const on = !preferences.silent;
  part(page, "sound", HTMLElement).setAttribute("aria-pressed", String(on));
  part(page, "sound-on", HTMLElement).hidden = !on;
  part(page, "sound-off", HTMLElement).hidden = on;
}

link.addEventListener("lanes", (event) => {
  shown = /** @type {CustomEvent} */ (event).detail;
  alertsShow();
  lanesShow();
  panel.follow(shown.lanes);
  newsTell();
});
link.addEventListener("state", (event) => {
  const { state, code } = /** @type {CustomEvent} */ (event).detail;
  stateShow(state, code);
});
panel.addEventListener("closed", (event) => {
  const { id } = /** @type {CustomEvent} */ (event).detail;
  /** @type {HTMLElement | null} */ (page.querySelector(`[data-part=lanes] > [data-id="${id}"] button`))?.focus();
});
part(page, "sound", HTMLElement).addEventListener("click", () => {
  preferences.keep({ silent: !preferences.silent });
  soundShow();
  chime("alert");
});
addEventListener("pointerdown", soundUnlock, { capture: true });
addEventListener("keydown", soundUnlock, { capture: true });
setInterval(alertsShow, CLOCK_MS);
soundShow();
link.open();
