"""The live page of a hub that wants to see tokens or tickets, in Chromium."""

import unittest

from harness.testcase import SharedHubd
from harness.tokens import SECRET, token
from harness.wait import until
from test_browser_console import PageCase, setUpModule  # noqa: F401

BAD = "Token with a blank"


class Tokens(PageCase, SharedHubd):
    settings = {"HUB_CONSOLE": "on", "HUB_CLIENT_AUTH": "jwt,ticket",
                "HUB_JWT_SECRET": SECRET, "HUB_JWT_AUDIENCE": "hub",
                "HUB_JWT_SESSION_CLAIM": "sid", "HUB_JWT_LEEWAY": "0s",
                "HUB_EXPIRY_GRACE": "500ms"}

    def setUp(self):
        super().setUp()
        self.page.open(self.hub.port)

    def ticket(self, user):
        reply = self.hub.post("/api/tickets", {"userId": user})
        self.assertEqual(reply.status, 200, reply)
        return reply.json()["ticket"]

    def assertHears(self, user):
        self.assertEqual(self.hub.send({"type": "t", "payload": 1}, user=user),
                         1)
        until(lambda: len(self.page.messages()) == 1, "a message", 10)

    def test_a_token_says_who_it_is(self):
        self.page.connect("", token=token("ada", sid="s1"),
                          state="connected as ada · s1,")
        self.assertHears("ada")

    def test_so_does_a_ticket_once(self):
        page = self.page
        page.connect("", token=self.ticket("bob"), state="connected as bob,")
        self.assertHears("bob")
        page.click("[aria-label='Disconnect token']")
        page.click("[aria-label='Connect token']")
        until(lambda: page.connections()["token"].startswith(
            "closed for good (3000: unauthorized)"), "it is used up", 10)

    def test_a_user_beside_it_must_be_the_same(self):
        self.page.connect("ada", token=token("ada"), state="connected,")
        self.page.connect("eve", token=token("ada"),
                          state="closed for good (3003: forbidden)")

    def test_the_page_says_why_it_is_not_let_in(self):
        self.page.connect("ada",
                          state="closed for good (3000: unauthorized)")
        self.page.connect("", token=token("ada", seconds=-60),
                          state="closed for good (3000: token expired)")

    def test_the_connection_ends_with_its_token(self):
        self.page.connect("", token=token("ada", seconds=3))
        until(lambda: self.page.connections()["token"].startswith(
            "closed for good (3000: token expired)"), "the end", 10)

    def test_what_is_no_token_is_explained(self):
        page = self.page
        page.fill("#connect-token", BAD)
        page.click("#connect button")
        self.assertIn("token contains something other than letters",
                      page.text("#connect-error"))
        self.assertNotIn(BAD, page.text("#connect-error"))
        self.assertEqual(page.run("return document.activeElement.id"),
                         "connect-token")
        self.assertEqual(page.connections(), {})

    def test_it_is_kept_nowhere(self):
        page, credential = self.page, token("ada")
        page.connect("", token=credential)
        self.assertEqual(
            page.find("#connect-token").get_attribute("type"), "password")
        kept = page.traces()
        self.assertIn("connected as ada", kept)
        self.assertNotIn(credential.split(".")[2], kept)
        page.driver.refresh()
        self.assertEqual(
            page.run("return document.querySelector('#connect-token').value"),
            "")


if __name__ == "__main__":
    unittest.main()
