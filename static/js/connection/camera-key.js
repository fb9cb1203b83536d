// @ts-check
// The key under which the server keeps what this tab's camera has seen: survives a refresh, and no copied tab shares it.

const STORAGE_NAME = "ebrcs.camera-key";
const LOCK_WAIT_MS = 400;

/** Returns a random UUID, on addresses without HTTPS too. */
export function uuidMake() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Holds a key for as long as the tab lives; false if another tab holds it. @param {string} key */
function held(key) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(`${STORAGE_NAME}.${key}`, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, () => {
        resolve(true);
        return new Promise(() => {}); // until the tab goes
      })
      .catch(() => resolve(false));
  });
}

/** @returns {Promise<string>} */
export async function cameraKeyOfTab() {
  /** @type {string | null} */
  let key = null;
  try {
    key = sessionStorage.getItem(STORAGE_NAME);
  } catch {
    // A browser that stores nothing gets a new key on every load.
  }
  return key !== null && (await held(key)) ? key : cameraKeyNew();
}

/** Gives the tab a key that no other tab has. */
export function cameraKeyNew() {
  const key = uuidMake();
  void held(key);
  try {
    sessionStorage.setItem(STORAGE_NAME, key);
  } catch {
    // as above
  }
  return key;
}
