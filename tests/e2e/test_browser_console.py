"""The live page in a real browser: Chromium, with its keyboard and its mouse.
After each test the browser must have reported no errors."""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from harness.daemon import Hubd
from harness.http import RawHttp
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import until

try:
    from selenium.webdriver.common.keys import Keys
    from harness.page import AXE, DESKTOP, PHONE, Page, start_browser
except ImportError:
    Page = None

STAMP = ',"timestamp":"2024-01-02"}'
EXACT = ('{ "type":"order", "payload":{"id":12345678901234567890,'
         '"price":1.10,"t":"\\u00e9 é 😀","t2":[]}' + STAMP)
HOSTILE = '<img src=x onerror="window.hurt=1">'


def setUpModule():
    """One browser for all tests."""
    chromium, driver = map(shutil.which, ("chromium", "chromedriver"))
    if Page and chromium and driver:
        browser, profile = start_browser(chromium, driver)
        unittest.addModuleCleanup(profile.cleanup)
        unittest.addModuleCleanup(browser.quit)
        PageCase.page = Page(browser)


class PageCase(HubTestCase):
    page = None

    def setUp(self):
        super().setUp()
        if self.page is None:
            self.require("chromium")
            self.require("chromedriver")
            self.lacking("python3-selenium is not installed")
        self.page.complaints()  # of another test
        self.allowed = []  # what the browser may complain of
        self.addCleanup(self._check_complaints)

    def _check_complaints(self):
        said = [text for text in self.page.complaints()
                if not any(re.search(allowed, text)
                           for allowed in self.allowed)]
        self.page.leave()
        self.assertEqual(said, [])


class ConsoleCase(PageCase, SharedHubd):
    settings = {"HUB_CONSOLE": "on"}

    def setUp(self):
        super().setUp()
        self.page.open(self.hub.port)

    def wait_messages(self, count):
        until(lambda: len(self.page.messages()) == count,
              f"{count} messages", 10)
        return self.page.messages()


class TwoPorts(PageCase):

    def test_the_page_connects_to_the_port_of_clients(self):
        hub = self.start(HUB_CONSOLE="on", HUB_API_PORT="0")
        self.page.open(hub.api_port)
        self.page.connect("ada")
        self.assertEqual(hub.send(EXACT.encode(), user="ada"), 1)
        until(lambda: len(self.page.messages()) == 1, "a message", 10)


class Receiving(ConsoleCase):

    def test_what_is_posted_appears_as_it_was_posted(self):
        page = self.page
        page.connect("ada", "tab-1")
        self.assertEqual(self.hub.send(EXACT.encode(), session="tab-1"), 1)
        (tag, kind, preview, size), = self.wait_messages(1)
        self.assertEqual((tag, kind), ("ada · tab-1", "order"))
        self.assertEqual(size, f"{len(EXACT.encode())} B")
        self.assertTrue(preview.startswith('{"id":12345678901234567890,"p'),
                        preview)
        page.click("#messages summary")
        laid_out = page.opened_message()
        self.assertIn('"id": 12345678901234567890,\n    "price": 1.10,\n'
                      '    "t": "\\u00e9 é 😀",\n    "t2": []', laid_out)
        page.click("#messages [aria-pressed]")
        self.assertEqual(page.opened_message(), EXACT)

    def test_markup_in_messages_and_names_is_text(self):
        page = self.page
        images = page.run("return document.images.length")
        page.connect(HOSTILE, HOSTILE)
        message = {"type": HOSTILE, "payload": {HOSTILE: [HOSTILE]},
                   "</script><script>window.hurt=1</script>": HOSTILE}
        self.assertEqual(self.hub.broadcast(message), 1)
        (tag, kind, preview, _), = self.wait_messages(1)
        page.click("#messages summary")
        for shown in (tag, kind, preview.replace('\\"', '"'),
                      page.opened_message().replace('\\"', '"'),
                      page.text("#filter")):
            self.assertIn(HOSTILE, shown)
        self.assertEqual(page.run("return document.images.length"), images)
        self.assertEqual(page.run("return document.scripts.length"), 1)
        self.assertIsNone(page.run("return window.hurt"))

    def test_no_text_can_become_markup(self):
        """Even if the page tried."""
        self.allowed = ["requires 'TrustedHTML' assignment"]
        self.assertEqual(self.page.run("""
            try {
              document.body.innerHTML = '<b>';
              return 'markup';
            } catch (error) {
              return error.name;
            }"""), "TypeError")

    def test_each_connection_is_one_of_its_own(self):
        page = self.page
        page.connect("ada")
        page.connect("bob")
        page.connect("bob", "s")
        self.assertEqual(self.hub.health()["total_connections"], 3)
        self.assertEqual(self.hub.send({"type": "x", "payload": 1},
                                       user="bob"), 2)
        self.assertEqual({tag for tag, *_ in self.wait_messages(2)},
                         {"bob", "bob · s"})
        page.run("document.querySelector('#filter').value = '1';"
                 "document.querySelector('#filter')"
                 ".dispatchEvent(new Event('change'))")
        shown = [item.text for item in page.driver.find_elements(
            "css selector", "#messages li") if item.is_displayed()]
        self.assertEqual(len(shown), 1)
        self.assertEqual(page.text("#messages-count"), "2 received, 1 shown")
        page.click("[aria-label='Disconnect bob']")
        self.hub.wait_connections(2)
        self.assertIn("disconnected", page.connections()["bob"])
        page.click("[aria-label='Connect bob']")
        self.hub.wait_connections(3)
        page.click("[aria-label='Remove bob']")
        self.hub.wait_connections(2)
        self.assertEqual(set(page.connections()), {"ada", "bob · s"})

    def test_an_id_that_is_not_allowed_is_explained(self):
        page = self.page
        page.fill("#connect-user", "é" * 129)
        page.click("#connect button")
        self.assertIn("longer than 256 bytes", page.text("#connect-error"))
        self.assertEqual(page.connections(), {})
        self.assertEqual(page.press(), "connect-user")

    def test_of_a_flood_the_newest_are_shown(self):
        page = self.page
        page.connect("ada")
        page.click("#pause")
        self.flood(600)
        until(lambda: page.text("#messages-count").endswith("600 since"),
              "600 while paused", 10)
        self.assertEqual(page.messages(), [])
        page.click("#pause")
        self.wait_messages(500)
        numbers = [preview for _, _, preview, _ in page.messages()]
        self.assertEqual(numbers, [str(n) for n in range(599, 99, -1)])
        self.flood(100)
        until(lambda: page.text("#messages-count")
              == "700 received, newest 500 shown", "700 messages", 10)
        self.assertEqual(page.messages()[0][2], "99")
        self.assertIn("700 messages", page.connections()["ada"])
        page.click("#clear")
        self.wait_messages(0)

    def flood(self, count):
        conn = RawHttp(self.hub.port)
        self.addCleanup(conn.close)
        for number in range(count):
            body = b'{"type":"n","payload":%d}' % number
            conn.send(b"POST /api/broadcast HTTP/1.1\r\nHost: h\r\n"
                      b"X-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
                      % (self.hub.key.encode(), len(body), body))
            self.assertEqual(conn.read_reply().status, 200)


class Sending(ConsoleCase):

    def test_what_is_sent_reaches_others_byte_for_byte(self):
        page = self.page
        bob, eve = self.join("bob", "s"), self.join("eve", "s")
        for how, clients in (({"user": "bob"}, (bob,)),
                             ({"session": "s"}, (bob, eve)),
                             ({"user": "bob", "session": "s"}, (bob, eve)),
                             ({"everybody": True}, (bob, eve))):
            with self.subTest(how):
                said, raw = page.send(EXACT, key=self.hub.key, **how)
                self.assertRegex(said, rf"\A200 .*successfully, "
                                       rf"{len(clients)} recipients? ")
                self.assertEqual(json.loads(raw[0])["recipients"],
                                 len(clients))
                for client in clients:
                    self.assertEqual(client.recv(), EXACT.encode())
        for client in (bob, eve):
            self.assertNextIsMarker(self.hub, client)

    def test_the_page_gets_its_own_broadcast(self):
        self.page.connect("ada")
        said, _ = self.page.send(EXACT, key=self.hub.key, everybody=True)
        self.assertIn("1 recipient", said)
        self.wait_messages(1)

    def test_nobody_there_is_said(self):
        said, _ = self.page.send(EXACT, key=self.hub.key, user="nobody")
        self.assertRegex(said, r"\A200 .*0 recipients: no recipient is")

    def test_what_hubd_refuses_is_shown_as_it_says_it(self):
        self.allowed = ["status of 40[01]"]
        for status, code, how in (
                (401, "unauthorized", {"key": "wrong", "user": "ada"}),
                (401, "unauthorized", {"key": "", "user": "ada"}),
                (400, "missing_target", {}),
                (400, "invalid_json", {"message": '{"type":01}', "user": "a"}),
                (400, "invalid_message", {"message": '{"payload":1}',
                                          "everybody": True})):
            with self.subTest(code):
                how = {"message": EXACT, "key": self.hub.key, **how}
                said, raw = self.page.send(**how)
                error = json.loads(raw[0])
                self.assertEqual(error["code"], code)
                self.assertTrue(said.startswith(
                    f"{status} {code}: {error['message']} "), said)

    def test_a_message_that_will_be_refused_is_marked_before(self):
        page = self.page
        for message, problem in (('{"type":"t","payload":}', "not JSON: "),
                                 ('{"type":"t"}', '"payload"'), ("", "JSON")):
            page.write(message or " ", user="ada")
            self.assertIn(problem, page.text("#message-problem"))
            self.assertEqual(page.text("#send-button"), "Send anyway")
        page.write(EXACT, user="ada")
        self.assertEqual(page.text("#message-problem"), "")
        self.assertEqual(page.text("#send-button"), "Send")
        page.click("#format")
        self.assertIn('\n    "price": 1.10,\n',
                      page.run("return document.querySelector("
                               "'#send-message').value"))

    def test_the_command_for_a_shell_does_the_same(self):
        self.require("curl")
        bob = self.join("b'ob")
        page = self.page
        message = EXACT.replace("order", "it's \\\"$HOME\\\" `id` \\\\")
        page.write(message, key=self.hub.key, user="b'ob")
        page.click(".curl summary")
        done = subprocess.run(
            ["sh", "-c", page.text("#curl")], text=True, check=False,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "KEY": self.hub.key,
                 "http_proxy": "http://127.0.0.1:9"})
        self.assertEqual(json.loads(done.stdout)["recipients"], 1, done)
        self.assertEqual(bob.recv(), message.encode())

    def test_the_key_stays_in_its_field(self):
        page = self.page
        page.send(EXACT, key=self.hub.key, user="ada")
        kept = page.traces()
        self.assertIn("$KEY", kept)
        self.assertNotIn(self.hub.key, kept)
        field = page.find("#send-key")
        self.assertEqual(field.get_attribute("type"), "password")
        page.click("#show-key")
        self.assertEqual(field.get_attribute("type"), "text")
        page.click("#show-key")
        self.assertEqual(field.get_attribute("type"), "password")
        page.driver.refresh()
        self.assertEqual(
            page.run("return document.querySelector('#send-key').value"), "")


class Keyboard(ConsoleCase):

    def test_everything_can_be_done_with_keys_alone(self):
        page = self.page
        bob = self.join("bob")
        page.tab_to("connect-user")
        page.press(Keys.CONTROL, "a")
        page.press("ada", Keys.ENTER)
        self.hub.wait_connections(2)
        page.tab_to("Disconnect ada")
        self.assertVisibleFocus()
        self.assertEqual(page.tab_to("send-user")[:2], ["Remove ada", ""])
        page.press(Keys.CONTROL, "a")
        page.press("bob")
        page.tab_to("send-key")
        page.press(self.hub.key)
        self.assertEqual(page.press(Keys.TAB), "show-key")
        self.assertEqual(page.press(Keys.TAB), "send-message")
        page.press(Keys.CONTROL, "a")
        page.press(EXACT)
        page.press(Keys.CONTROL, Keys.ENTER)
        self.assertEqual(bob.recv(), EXACT.encode())
        until(lambda: "1 recipient" in page.text("#status"),
              "the answer is announced", 10)

        page.press(Keys.SHIFT, Keys.TAB)  # back to the choice of targets
        for _ in range(4):
            if page.press(Keys.SHIFT, Keys.TAB) == "":
                break
        page.press(Keys.ARROW_RIGHT)
        page.tab_to("send-button")
        self.assertVisibleFocus()
        page.press(Keys.ENTER)
        self.assertEqual(bob.recv(), EXACT.encode())
        self.wait_messages(1)
        page.tab_to("clear")
        page.press(Keys.TAB)
        self.assertVisibleFocus()
        page.press(Keys.ENTER)
        self.assertIn("12345678901234567890", page.opened_message())

        page.find("#connect-user").click()
        page.tab_to("Disconnect ada")
        page.press(Keys.ENTER)
        self.hub.wait_connections(1)
        self.assertEqual(page.press(Keys.TAB), "Remove ada")
        self.assertEqual(page.press(Keys.ENTER), "connect-user")
        self.assertEqual(page.connections(), {})

    def assertVisibleFocus(self):
        outline = self.page.run(
            "const style = getComputedStyle(document.activeElement);"
            "return [style.outlineStyle, parseFloat(style.outlineWidth)]")
        self.assertEqual(outline[0], "solid", outline)
        self.assertGreaterEqual(outline[1], 2)


class Looks(ConsoleCase):

    def fill_the_page(self):
        """Something of everything, long words included."""
        page = self.page
        page.connect("ada")
        page.connect("u" * 256, "s" * 256)
        self.assertEqual(self.hub.broadcast(EXACT.encode()), 2)
        self.hub.broadcast({"type": "t" * 300, "payload": "x" * 2000})
        self.wait_messages(4)
        self.allowed = ["status of 401"]
        page.send('{"type":}', key="k" * 300, user="ada")
        page.click(".curl summary")
        page.run("for (const found of document.querySelectorAll('#messages"
                 " details')) found.open = true")
        until(lambda: len(page.texts("#messages pre")) == 4, "all open")

    def test_nothing_keeps_people_out(self):
        if not AXE.exists():
            self.lacking("axe-core is not installed: ./dev test does it")
        page = self.page
        # The policy of the page is for what it brings itself, not for the
        # tool that looks at it.
        page.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        self.addCleanup(page.driver.execute_cdp_cmd, "Page.setBypassCSP",
                        {"enabled": False})
        page.open(self.hub.port)
        self.assertEqual(page.audit(), [])
        self.fill_the_page()
        for theme, size in (("light", DESKTOP), ("dark", PHONE)):
            with self.subTest(f"{theme} {size}"):
                page.emulate(("prefers-color-scheme", theme))
                page.resize(*size)
                self.assertEqual(page.audit(), [])

    def test_a_phone_shows_it_without_scrolling_sideways(self):
        page = self.page
        page.resize(*PHONE)
        self.assertLessEqual(page.overflow(), 0)
        self.fill_the_page()
        for width in (360, 320, 600, 800, 1100, 1280):
            with self.subTest(width):
                page.resize(width, 740)
                self.assertLessEqual(page.overflow(), 0)

    def test_long_names_leave_room_for_the_rest(self):
        page = self.page
        page.connect("a-very-long-user-id@example.com", "session-0123456789")
        self.assertEqual(self.hub.broadcast({"type": "note", "payload": 1}), 1)
        self.wait_messages(1)
        for width in (360, 600, 1280):
            with self.subTest(width):
                page.resize(width, 740)
                self.assertEqual(page.collisions("#messages summary"), [])
                self.assertEqual(page.collisions(".connections li"), [])
                self.assertEqual(page.run("""
                    const type = document.querySelector('#messages .type');
                    return type.scrollWidth - type.clientWidth;"""), 0)
                self.assertLess(page.run("""
                    const [tag, type] = ['.tag', '.type'].map((part) =>
                      document.querySelector(`#messages ${part}`)
                        .getBoundingClientRect());
                    return type.left - tag.right;"""), 16)

    def test_themes_differ(self):
        back = "return getComputedStyle(document.body).backgroundColor"
        light = self.page.run(back)
        self.page.emulate(("prefers-color-scheme", "dark"))
        self.assertNotEqual(self.page.run(back), light)

    def test_nothing_moves_where_that_is_not_wanted(self):
        self.page.emulate(("prefers-reduced-motion", "reduce"))
        self.assertEqual(self.page.run("""
            return [...document.querySelectorAll('*')].filter((found) => {
              const style = getComputedStyle(found);
              return style.transitionDuration !== '0s' ||
                style.animationName !== 'none' ||
                style.scrollBehavior === 'smooth';
            }).length"""), 0)


class Figures(ConsoleCase):

    def wait_figure(self, name, value):
        until(lambda: self.page.figures().get(name) == value,
              f"{name} {value}", 10)

    def test_they_follow_what_happens(self):
        page = self.page
        self.wait_figure("Connected now: connections", "0")
        page.connect("ada", "s")
        bob = self.join("ada")
        self.wait_figure("Connected now: connections", "2")
        self.wait_figure("Connected now: users", "1")
        self.wait_figure("Connected now: sessions", "1")
        delivered = int(page.figures()["Messages delivered"])
        for _ in range(50):
            self.hub.send({"type": "t", "payload": 1}, user="ada")
        bob.send_text("hello")
        until(lambda: page.figures()["Messages from clients"] != "0",
              "a message from a client", 10)
        self.wait_figure("Messages delivered", str(delivered + 100))
        self.assertGreater(self.peak("Messages a second"), 1)
        self.assertGreater(self.peak("Bytes a second"), 100)
        self.assertEqual(self.peak("Connected now"), 2)
        self.point_at(-170)  # when the page was not there yet
        self.wait_figure("Connected now: connections", "–")
        self.point_at(-1)
        self.wait_figure("Connected now: connections", "2")

    def point_at(self, seconds):
        """With the mouse, on the first plot."""
        self.page.run("""
            const svg = document.querySelector('.plot svg[role=img]');
            const [first, last] = ['x1', 'x2'].map((end) => Number(
              svg.querySelector('.grid').getAttribute(end)));
            const x = last + (last - first) * arguments[0] / 180;
            const { left, top } = svg.getBoundingClientRect();
            svg.dispatchEvent(new PointerEvent('pointermove', {
              clientX: left + x, clientY: top + 20 }));""", seconds)

    def peak(self, title):
        """The upper end of an axis, as a number."""
        label = self.page.run("""
            return [...document.querySelectorAll('.plot')].find((plot) =>
              plot.querySelector('figcaption').textContent === arguments[0])
              .querySelector('svg[role=img]').getAttribute('aria-label')""",
            title)
        number, unit = re.search(r"up to ([\d.,]+)( KB)?", label).groups()
        return float(number.replace(",", "")) * (1024 if unit else 1)


class Restart(PageCase):

    def start(self, *flags, **settings):
        """The page leaves it before it is stopped."""
        hub = super().start(*flags, **settings)
        self.addCleanup(self.page.leave)
        return hub

    def test_the_page_survives_a_restart(self):
        self.allowed = ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET",
                        "ERR_EMPTY_RESPONSE"]
        page = self.page
        hub = self.start(HUB_CONSOLE="on")
        page.open(hub.port)
        page.connect("ada")
        hub.kill()
        until(lambda: page.state().startswith("hubd has been gone"),
              "gone", 10)
        until(lambda: page.connections()["ada"].startswith(
            ("lost (1006)", "refused or unreachable", "connecting")),
              "the connection is gone", 10)
        again = Hubd(HUB_CONSOLE="on", PORT=hub.port, HUB_API_KEY=hub.key)
        self.addCleanup(again.discard)
        again.key = hub.key
        again.start()
        until(lambda: page.state().startswith("running"), "running again", 10)
        until(lambda: page.connections()["ada"].startswith("connected"),
              "connected again", 20)
        self.assertEqual(again.send(EXACT.encode(), user="ada"), 1)
        until(lambda: len(page.messages()) == 1, "a message", 10)
        page.leave()
        again.stop()

    def test_nothing_is_asked_while_nobody_looks(self):
        page = self.page
        hub = self.start(HUB_CONSOLE="on", HUB_LOG_LEVEL="debug")
        page.open(hub.port)
        page.connect("ada")
        page.driver.minimize_window()
        self.assertTrue(page.run("return document.hidden"))
        asked = len(self.polls(hub))
        hub.broadcast({"type": "t", "payload": 1})
        time.sleep(2.2)  # two of them would have come
        self.assertLessEqual(len(self.polls(hub)) - asked, 1, "on its way")
        page.driver.set_window_rect(0, 0, *DESKTOP)
        until(lambda: len(self.polls(hub)) > asked + 1, "asked again", 10)
        until(lambda: len(page.messages()) == 1, "what came meanwhile", 10)

    @staticmethod
    def polls(hub):
        return [line for line in hub.events("request")
                if line["path"] == "/console/stats"]

    def test_who_leaves_the_page_leaves_the_hub(self):
        page = self.page
        hub = self.start(HUB_CONSOLE="on")
        page.open(hub.port)
        page.connect("ada")
        page.leave()
        hub.wait_connections(0)
        page.driver.back()
        if page.connections():  # it was kept, and is shown again
            hub.wait_connections(1)


if __name__ == "__main__":
    unittest.main()
