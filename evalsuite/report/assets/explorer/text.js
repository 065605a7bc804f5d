const by = (id) => document.getElementById(id);

// Control characters, and those that turn the direction of the text after them, written out.
function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// All text goes in as text: what a model wrote is never markup.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = visible(text);
  if (className) made.className = className;
  return made;
}

function button(text, press, className) {
  const made = element("button", text, className);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function facts(pairs, className) {
  const list = element("dl", undefined, className);
  for (const [name, value] of pairs) list.append(element("dt", name), element("dd", plain(value)));
  return list;
}

// Errors differ in colour and in form, and are told in words to those who hear the page.
function told(name, words, how) {
  const made = element(name);
  made.append(element("span", how, "visually-hidden"), visible(words));
  return made;
}
