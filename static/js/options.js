// @ts-check
// What the server told the checkout page: addresses, language and sentences; and amounts in that language.

/** @typedef {import("./connection/protocol.js").Box} Box */
/** @typedef {{id: string, name: string, code: string, mode: string, zone: Box | null, camera_label: string,
 *   language: string, sound: boolean, is_open: boolean, store_is_open: boolean, idle_after_s: number,
 *   idle_countdown_s: number, receipt_leaves_after_s: number}} LaneSettings */
/** @typedef {LaneSettings & {has_begun: boolean, fresh_path: string, socket_path: string, lane_path: string,
 *   end_path: string, unlock_path: string, lock_path: string, actions_path: string, settings_path: string}} LaneOptions */
/** @typedef {{session_id: string, socket_path: string, confirm_path: string, products_path: string,
 *   likely_path: string, receipt_path: string, login_path: string, clip_path: string | null, start_with_clip: boolean,
 *   clip_visit_path: string, own_path: string | null,
 *   lane?: LaneOptions, icons_path: string, language: string, texts: Record<string, string>}} Options */

/** @type {Options} */
export const options = JSON.parse(document.getElementById("checkout-options")?.textContent ?? "{}");

const plurals = new Intl.PluralRules(options.language);

/**
 * Returns a sentence with its {names} filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  const text = options.texts[key];
  if (text === undefined) throw new Error(`There is no sentence ${key}.`);
  return text.replace(/\{(\w+)\}/g, (whole, word) => String(values[word] ?? whole));
}

/** @param {string} key @param {number} count */
export function sayCount(key, count) {
  const form = plurals.select(count) === "one" ? "one" : "other";
  return say(`${key}_${form}`, { count });
}

/** @param {string} code @param {string} detail @param {{name: string}[]} [items] */
export function sayRefusal(code, detail, items = []) {
  const key = `error_${code}`;
  const names = items.map((item) => item.name).join(", ");
  return key in options.texts ? say(key, { names }) : say("error_other", { detail });
}

/** Returns the address of one thing, from one that names none. @param {string} path @param {string} id */
export function addressOf(path, id) {
  return path.replace("00000000-0000-0000-0000-000000000000", id);
}

/** @param {string | number} amount @param {string} currency */
export function money(amount, currency) {
  return new Intl.NumberFormat(options.language, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
  }).format(Number(amount));
}
