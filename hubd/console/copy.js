// copy.js - copies text to the clipboard, and shows on the button whether that
// worked.
import { announce } from './dom.js';

const SAID_MS = 1500;

// Pages from other machines without TLS get no clipboard API, but may copy a
// selection.
function copySelected(text) {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'unseen';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}

export async function copy(text, button) {
  let done = false;
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      done = true;
    } else {
      done = copySelected(text);
      button.focus();
    }
  } catch {
    done = false;
  }
  const said = done ? 'Copied' : 'Not allowed';
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = said;
  announce(said);
  setTimeout(() => {
    button.textContent = label;
  }, SAID_MS);
}
