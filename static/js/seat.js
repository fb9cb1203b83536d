// @ts-check
// The name of this tab's place at the till: kept over a refresh, never shared with a copied tab.

const KEY = "ebrcs.seat";
const LOCK_WAIT_MS = 400;

/** Returns a random UUID, on addresses without HTTPS too. */
function uuidMake() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Holds a name for as long as the tab lives; false if another tab holds it. @param {string} name */
function held(name) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(`${KEY}.${name}`, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, () => {
        resolve(true);
        return new Promise(() => {}); // until the tab goes
      })
      .catch(() => resolve(false));
  });
}

/** @returns {Promise<string>} */
export async function seatOfTab() {
  /** @type {string | null} */
  let name = null;
  try {
    name = sessionStorage.getItem(KEY);
  } catch {
    // A browser that stores nothing gets a new seat on every load.
  }
  return name !== null && (await held(name)) ? name : seatNew();
}

/** Gives the tab a seat that no other tab has. */
export function seatNew() {
  const name = uuidMake();
  void held(name);
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // as above
  }
  return name;
}
