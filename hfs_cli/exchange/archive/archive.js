// The search of an archive. A page that was opened from a disk reads no files, but it loads scripts:
// each file of data calls one of the functions of `hfs` and hands over numbers and texts. Texts
// become text nodes, never markup.
"use strict";

const hfs = (() => {
  const BLOCK = 500, SHARDS = 16, MOST = 200, AT_ONCE = 8, LONGEST = 40;
  const CLOSE = "\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff";
  const WORD = new RegExp(`[${CLOSE}]|(?:(?![${CLOSE}])[\\p{L}\\p{N}])+`, "gu");
  let blocks = [];
  let asked = 0; // rises with each question: what answers an older one is thrown away
  const about = new Map(); // of a block: its sessions
  const words = new Map(); // of a block and a kind of words: [word, [who, ...]], until it is used
  const element = (id) => document.getElementById(id);

  function load(path) {
    return new Promise((done) => {
      const script = document.createElement("script");
      script.src = path;
      script.onload = script.onerror = () => { script.remove(); done(); };
      document.head.append(script);
    });
  }

  const name = (block) => String(block).padStart(4, "0");

  async function sessionsOf(block) {
    if (!about.has(block)) await load(`index/${name(block)}.js`);
    return about.get(block) ?? new Map();
  }

  // As `folded` in archive.py.
  function split(text) {
    const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").normalize("NFC").toLowerCase();
    return [...new Set(folded.match(WORD) ?? [])].map((word) => word.slice(0, LONGEST));
  }

  // The sessions of a block that have every word; the last word need only begin one.
  async function holders(block, wanted) {
    let found = null;
    for (const [place, word] of wanted.entries()) {
      const kind = word.codePointAt(0) % SHARDS;
      const key = `${block}-${kind}`;
      if (!words.has(key)) await load(`words/${name(block)}-${kind.toString(16)}.js`);
      const begins = place === wanted.length - 1;
      const have = new Set();
      for (const [known, who] of words.get(key) ?? []) {
        if (known === word || (begins && known.startsWith(word))) {
          for (const offset of who) have.add(block * BLOCK + offset);
        }
      }
      found = found === null ? have : new Set([...found].filter((id) => have.has(id)));
      if (!found.size) break;
    }
    return found;
  }

  async function search(question) {
    const mine = ++asked;
    const wanted = split(question.words);
    const nothing = !wanted.length && question.day === null && question.model === null;
    element("overview").hidden = !nothing;
    element("found").hidden = nothing;
    if (nothing) return;
    const found = [];
    const fits = (session) =>
      (!question.day || session.days.some((day) => day.startsWith(question.day))) &&
      (!question.model || session.models.includes(question.model));
    const chosen = blocks.filter(([, , first, last]) =>
      !question.day || (first.slice(0, question.day.length) <= question.day && question.day <= last));
    const left = [...chosen].reverse();
    let looked = 0;
    show(found, question, wanted, 0, chosen.length);
    while (left.length) {
      await Promise.all(left.splice(0, AT_ONCE).map(async ([block]) => {
        const ids = wanted.length ? await holders(block, wanted) : null;
        if (ids === null || ids.size) {
          for (const session of (await sessionsOf(block)).values()) {
            if ((ids === null || ids.has(session.id)) && fits(session)) found.push(session);
          }
        }
        looked += 1;
      }));
      words.clear();
      if (mine !== asked) return;
      if (!left.length || looked % (AT_ONCE * 4) === 0) show(found, question, wanted, looked, chosen.length);
    }
  }

  function show(found, question, wanted, looked, all) {
    found.sort((a, b) => b.at - a.at || b.id - a.id);
    const count = `${found.length.toLocaleString("en")} session${found.length === 1 ? "" : "s"}`;
    const parts = [found.length > MOST ? `${count}, the newest ${MOST} of them` : count];
    if (question.day) parts.push(`of ${question.day}`);
    if (question.model) parts.push(`with ${question.model}`);
    if (looked < all) parts.push(`looking… ${looked} of ${all}`);
    const back = document.createElement("a");
    back.href = "#";
    back.textContent = "show everything";
    element("said").replaceChildren(`${parts.join(" · ")} · `, back);
    element("found").dataset.done = String(looked === all);
    element("hits").replaceChildren(...found.slice(0, MOST).map((session) => item(session, wanted)));
  }

  function item(session, wanted) {
    const entry = document.createElement("li");
    const link = document.createElement("a");
    // A browser that knows text fragments goes to the first word that was looked for.
    const where = wanted.length ? `#:~:text=${wanted.map((w) => encodeURIComponent(w).replaceAll("-", "%2D")).join("&text=")}` : "";
    link.href = `sessions/${name(Math.floor(session.id / BLOCK))}/${session.id}.html${where}`;
    link.textContent = session.name;
    const line = document.createElement("p");
    line.className = "about";
    const messages = `${session.messages} message${session.messages === 1 ? "" : "s"}`;
    line.textContent = [session.used, ...session.models.slice(0, 3), messages].join(" · ");
    const preview = document.createElement("p");
    preview.textContent = session.preview;
    entry.append(link, line, preview);
    return entry;
  }

  // What is asked stands in the address, so that a search can be gone back to and kept.
  function fromAddress() {
    const values = new URLSearchParams(location.hash.slice(1));
    const question = { words: values.get("q") ?? "", day: values.get("day"), model: values.get("model") };
    if (element("words").value !== question.words) element("words").value = question.words;
    search(question);
  }

  function typed() {
    const values = new URLSearchParams(location.hash.slice(1));
    if (element("words").value) values.set("q", element("words").value);
    else values.delete("q");
    history.replaceState(null, "", `#${values}`);
    fromAddress();
  }

  function begin() {
    let soon = 0;
    element("words").addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(typed, 150);
    });
    addEventListener("hashchange", fromAddress);
    fromAddress();
  }

  return {
    blocks(list) { blocks = list; begin(); },
    sessions(block, data) {
      about.set(block, new Map(data.sessions.map(([id, name, models, days, used, at, messages, preview]) =>
        [id, { id, name, models, days, used, at, messages, preview }])));
    },
    words(block, kind, list) { words.set(`${block}-${kind}`, list); },
  };
})();
