// @ts-check
// What the keys of a scanner say, whatever keyboard layout or input method the computer is set to.

/** @typedef {{key: string | null, us: string | null, isDigitRow: boolean, isShifted: boolean}} ScannedKey
 *   key: the character as this computer's layout has it; us: as a US keyboard has it */

const GS = "\u001d";
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "ScrollLock", "Fn"]);
const ENDS = new Set(["Enter", "NumpadEnter", "Tab"]);
const SHIFTED_DIGITS = ")!@#$%^&*(";
/** Plain and shifted. @type {Record<string, string>} */
const US_SIGNS = {
  Backquote: "`~",
  Minus: "-_",
  Equal: "=+",
  BracketLeft: "[{",
  BracketRight: "]}",
  Backslash: "\\|",
  Semicolon: ";:",
  Quote: "'\"",
  Comma: ",<",
  Period: ".>",
  Slash: "/?",
  Space: "  ",
  NumpadDecimal: "..",
  NumpadDivide: "//",
  NumpadMultiply: "**",
  NumpadSubtract: "--",
  NumpadAdd: "++",
};
/** What only a scanner sends: a symbology identifier such as "]E0", or a web address. */
const TELLING = /^(\][A-Za-z][0-9A-Za-z]|https?:\/\/)/i;

/** @param {KeyboardEvent} event */
export function isModifier(event) {
  return MODIFIERS.has(event.key);
}

/** Whether a key ends a scan: Enter or Tab, or the line end as the control characters J and M. @param {KeyboardEvent} event */
export function isEnd(event) {
  return ENDS.has(event.code) || ENDS.has(event.key) || (event.ctrlKey && (event.code === "KeyJ" || event.code === "KeyM"));
}

/** Returns the character of a key; null for a key that has none. @param {KeyboardEvent} event @returns {ScannedKey | null} */
export function keyRead(event) {
  const { code, shiftKey: isShifted } = event;
  const isDigitRow = /^Digit\d$/.test(code);
  if (event.ctrlKey && code === "BracketRight") return { key: GS, us: GS, isDigitRow, isShifted };
  const writes = event.getModifierState("AltGraph") || !(event.ctrlKey || event.altKey || event.metaKey);
  if (!writes) return null;
  const key = [...event.key].length === 1 ? event.key.normalize("NFKC") : null;
  const us = onUsKeyboard(code, isShifted);
  return key === null && us === null ? null : { key, us, isDigitRow, isShifted };
}

/** @param {string} code @param {boolean} isShifted */
function onUsKeyboard(code, isShifted) {
  const place = Number(isShifted);
  if (/^Digit\d$/.test(code)) return isShifted ? SHIFTED_DIGITS[Number(code.slice(-1))] : code.slice(-1);
  if (/^Numpad\d$/.test(code)) return code.slice(-1);
  if (/^Key[A-Z]$/.test(code)) return isShifted ? code.slice(-1) : code.slice(-1).toLowerCase();
  return US_SIGNS[code]?.[place] ?? null;
}

/**
 * Returns the text of a scan. A scanner that is set to another layout than the computer shows in the digit row:
 * its unshifted keys give no digits (French: "&é\"'"), and no shifted one does; then the places of the keys count.
 * @param {ScannedKey[]} keys
 */
export function textOf(keys) {
  const isDigit = (/** @type {ScannedKey} */ one) => /^\d$/.test(one.key ?? "");
  const isForeign =
    keys.some((one) => one.isDigitRow && !one.isShifted && !isDigit(one)) &&
    !keys.some((one) => one.isDigitRow && one.isShifted && isDigit(one));
  const isPlain = (/** @type {string | null} */ key) => key !== null && /^[ -~\u001d]$/.test(key);
  const byKey = keys.map(({ key, us }) => (isPlain(key) ? key : (us ?? key))).join("");
  const byPlace = keys.map(({ key, us }) => us ?? key).join("");
  return (isForeign || (TELLING.test(byPlace) && !TELLING.test(byKey)) ? byPlace : byKey).trim();
}
