"""Headless Chromium with the live page in it, driven by WebDriver: clicks and
keys are real browser events, and what the page shows is read as text.
"""

import json
import os
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from .wait import ROOT, until

AXE = ROOT / "tests" / "e2e" / "node" / "node_modules" / "axe-core"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--no-proxy-server")
DESKTOP, PHONE = (1280, 800), (360, 740)


def start_browser(chromium, chromedriver):
    """Returns the driver and the directory that is to be removed after it."""
    profile = tempfile.TemporaryDirectory(prefix="hubd-e2e-browser-",
                                          ignore_cleanup_errors=True)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile.name}/profile"):
        options.add_argument(flag)
    service = Service(chromedriver, env={"PATH": os.environ["PATH"],
                                         "HOME": profile.name,
                                         "TMPDIR": profile.name})
    return webdriver.Chrome(options=options, service=service), profile


class Page:

    def __init__(self, driver):
        self.driver = driver

    def open(self, port, size=DESKTOP, theme="light"):
        self.resize(*size)
        self.emulate(("prefers-color-scheme", theme))
        self.driver.get(f"http://127.0.0.1:{port}/console")
        until(lambda: self.state().startswith("running"), "figures", 20)

    def leave(self):
        self.driver.get("about:blank")

    def resize(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600})

    def emulate(self, *features):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name, "value": value}
                         for name, value in features]})

    # -- looking --------------------------------------------------------

    def run(self, script, *values):
        return self.driver.execute_script(script, *values)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])"
                        ".textContent.trim()", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".map((found) => found.textContent)", selector)

    def state(self):
        return self.text("#hub")

    def messages(self):
        """Type, preview and size of each, newest first."""
        return list(zip(*(self.texts(f"#messages .{part}") for part in
                          ("tag", "type", "preview", "size"))))

    def connections(self):
        """What each is called, and how it is."""
        return dict(zip(self.texts("#connections .tag"),
                        self.texts("#connections .state")))

    def figures(self):
        """What stands next to the plots and below them."""
        words = self.run("""
            const found = {};
            for (const item of document.querySelectorAll('.legend li'))
              found[item.closest('figure').querySelector('figcaption')
                .textContent + ': ' + item.childNodes[1].textContent.trim()]
                = item.querySelector('b').textContent;
            for (const row of document.querySelectorAll('#totals div'))
              found[row.querySelector('dt').textContent]
                = row.querySelector('dd').textContent;
            return found;""")
        return words

    def traces(self):
        """Where something that was typed in must not be."""
        return self.run("""
            return JSON.stringify([
              Object.entries(localStorage), Object.entries(sessionStorage),
              document.cookie, location.href, history.state,
              document.documentElement.outerHTML,
              performance.getEntries().map((entry) => entry.name)]);""")

    def overflow(self):
        """How many pixels of the page are beyond its right edge."""
        return self.run("return document.documentElement.scrollWidth"
                        " - document.documentElement.clientWidth")

    def collisions(self, selector):
        """Pairs of children that one place of the selector shows on top of each
        other."""
        return self.run("""
            const place = document.querySelector(arguments[0]);
            const all = [...place.children].map(
              (child) => [child, child.getBoundingClientRect()]);
            return all.flatMap(([child, a], at) => all.slice(at + 1)
              .filter(([, b]) => a.left < b.right && b.left < a.right &&
                                 a.top < b.bottom && b.top < a.bottom)
              .map(([other]) => `${child.className} ${other.className}`));""",
                        selector)

    def complaints(self):
        """What the console of the browser says, since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    # -- doing ----------------------------------------------------------

    def fill(self, selector, text):
        """As a paste over what is there would."""
        self.run("const field = document.querySelector(arguments[0]);"
                 "field.focus();"
                 "field.setSelectionRange(0, field.value.length);", selector)
        if text:
            self.driver.execute_cdp_cmd("Input.insertText", {"text": text})
        else:
            self.driver.switch_to.active_element.send_keys(Keys.DELETE)

    def click(self, selector):
        self.find(selector).click()

    def press(self, *keys):
        """Where the focus is; returns what has it then."""
        self.driver.switch_to.active_element.send_keys(*keys)
        return self.run(
            "const e = document.activeElement;"
            "return e.id || e.getAttribute('aria-label') || e.textContent")

    def tab_to(self, wanted, most=40):
        """Presses Tab until that has the focus."""
        passed = []
        for _ in range(most):
            passed.append(self.press(Keys.TAB))
            if passed[-1] == wanted:
                return passed
        raise AssertionError(f"no {wanted} among {passed}")

    def connect(self, user, session="", token="", state="connected"):
        name = user or "token"
        label = f"{name} · {session}" if session else name
        self.fill("#connect-user", user)
        self.fill("#connect-session", session)
        self.fill("#connect-token", token)
        self.click("#connect button")
        until(lambda: self.connections().get(label, "").startswith(state),
              f"{label} {state}", 10)

    def opened_message(self):
        """What the newest one shows, once it is opened."""
        until(lambda: self.texts("#messages li:first-child pre"),
              "an opened message", 10)
        return self.text("#messages li:first-child pre")

    def write(self, message, key=None, user="", session="", everybody=False):
        """Fills in the form that sends."""
        choice = "all" if everybody else "some"
        self.click(f"#send input[value={choice}]")
        if not everybody:
            self.fill("#send-user", user)
            self.fill("#send-session", session)
        if key is not None:
            self.fill("#send-key", key)
        self.fill("#send-message", message)

    def send(self, *args, **how):
        """Returns what the page says of the answer, and the raw one."""
        self.write(*args, **how)
        self.run("document.getElementById('answer').hidden = true")
        self.click("#send-button")
        until(lambda: self.find("#answer").is_displayed(), "an answer", 10)
        return self.text("#answer p"), self.texts("#answer pre")

    def audit(self):
        """What axe-core finds wrong that keeps people out."""
        self.run(AXE.joinpath("axe.min.js").read_text("utf-8"))
        found = self.driver.execute_async_script("""
            const done = arguments[0];
            axe.run(document).then(
              ({ violations, passes }) => done({ violations, passes }),
              (error) => done({ error: String(error) }));""")
        if "error" in found or len(found["passes"]) < 10:
            raise AssertionError(f"no audit: {found}")
        return [f"{rule['id']}: {json.dumps(node['target'])}"
                f" {node['failureSummary']}"
                for rule in found["violations"]
                if rule["impact"] in ("serious", "critical")
                for node in rule["nodes"]]
