"""packaging/kubernetes/hubd.yaml: hubd accepts the settings and answers the
probes, and its parts fit together."""

import unittest

from case import PackagingCase, seconds, version


class Kubernetes(PackagingCase):

    def setUp(self):
        super().setUp()
        self.deployment, self.service = self.documents("kubernetes/hubd.yaml")
        self.pod = self.deployment["spec"]["template"]
        self.hubd, = self.pod["spec"]["containers"]

    def settings(self):
        return {item["name"]: item["value"] for item in self.hubd["env"]}

    def test_there_is_one_at_a_time(self):
        self.assertEqual(self.deployment["spec"]["replicas"], 1)
        self.assertEqual(self.deployment["spec"]["strategy"]["type"],
                         "Recreate")

    def test_hubd_takes_its_settings(self):
        shown = self.assertTaken(self.settings())
        port, = self.hubd["ports"]
        self.assertEqual(shown["PORT"], str(port["containerPort"]))
        self.assertGreater(self.pod["spec"]["terminationGracePeriodSeconds"],
                           seconds(shown["HUB_SHUTDOWN_TIMEOUT"]))

    def test_hubd_answers_the_probes(self):
        for probe in ("readinessProbe", "livenessProbe"):
            get = self.hubd[probe]["httpGet"]
            self.assertEqual(get["port"], self.hubd["ports"][0]["name"])
            self.assertAnswered(get["path"])

    def test_a_drain_turns_ready_and_not_alive(self):
        """Or a drain would be ended by the restart of a dead container."""
        self.assertEqual(self.hubd["readinessProbe"]["httpGet"]["path"],
                         "/readyz")
        self.assertEqual(self.hubd["livenessProbe"]["httpGet"]["path"],
                         "/livez")

    def test_the_key_is_where_hubd_looks(self):
        mount, = self.hubd["volumeMounts"]
        volume, = self.pod["spec"]["volumes"]
        self.assertEqual(volume["name"], mount["name"])
        path = self.settings()["HUB_API_KEY_FILE"]
        self.assertEqual(path.rpartition("/")[0], mount["mountPath"])
        # Its owner is root, whatever hubd runs as: by its group hubd reads.
        self.assertEqual(volume["secret"]["defaultMode"], 0o440)
        context = self.pod["spec"]["securityContext"]
        self.assertEqual(context["fsGroup"], context["runAsGroup"])

    def test_the_service_leads_to_it(self):
        wanted = self.service["spec"]["selector"]
        for labels in (self.pod["metadata"]["labels"],
                       self.deployment["spec"]["selector"]["matchLabels"]):
            self.assertEqual(labels, wanted)
        port, = self.service["spec"]["ports"]
        self.assertEqual(port["targetPort"], self.hubd["ports"][0]["name"])

    def test_it_has_no_rights_that_it_does_not_need(self):
        context = self.hubd["securityContext"]
        self.assertFalse(context["allowPrivilegeEscalation"])
        self.assertTrue(context["readOnlyRootFilesystem"])
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
        self.assertTrue(self.pod["spec"]["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.hubd["image"], f"hubd:{version()}")


if __name__ == "__main__":
    unittest.main()
