"""The judge of resources: it finds leaks and accepts mere variation."""

import random
import unittest

import watch
from watch import Sample


def sample(seconds, rss_kb=30000.0, spare_fds=20, connections=1500,
           threads=517):
    return Sample(seconds=seconds, rss_kb=rss_kb, pss_kb=rss_kb,
                  fds=spare_fds + connections, connections=connections,
                  threads=threads, cpu_s=seconds / 5)


BEFORE = sample(0, rss_kb=10000, spare_fds=13, connections=0)
AFTER = sample(0, rss_kb=28000, spare_fds=13, connections=0)


def history(minutes=10, **change):
    """A sample a second; `change` makes values from seconds."""
    dice = random.Random(1)
    return [sample(t, **{"rss_kb": 30000 + dice.uniform(-1500, 1500),
                         "spare_fds": 20 + dice.randrange(-6, 7),
                         "connections": 1500 + dice.randrange(-99, 100),
                         **{k: v(t) for k, v in change.items()}})
            for t in range(1, minutes * 60)]


class Level(unittest.TestCase):

    def assertLevel(self, samples, after=AFTER, **how):
        self.assertEqual(watch.judge(BEFORE, samples, after, **how), [])

    def assertGrew(self, name, samples, after=AFTER):
        reasons = watch.judge(BEFORE, samples, after)
        self.assertEqual(len(reasons), 1, reasons)
        self.assertIn(f"{name} grew", reasons[0])

    def test_what_only_varies_is_level(self):
        self.assertLevel(history())

    def test_a_peak_in_between_is_no_growth(self):
        self.assertLevel(history(rss_kb=lambda t: 90000 if 250 < t < 350
                                 else 30000))

    def test_warming_up_is_no_growth(self):
        self.assertLevel(history(rss_kb=lambda t: 10000 + min(t, 60) * 333))

    def test_a_descriptor_in_a_thousand_connections_is_a_leak(self):
        self.assertGrew("spare_fds", history(
            spare_fds=lambda t: 20 + t * 110 // 1000))

    def test_descriptors_left_behind_are_a_leak(self):
        self.assertGrew("spare_fds", history(),
                        sample(0, spare_fds=22, connections=0))

    def test_connections_that_come_and_go_are_no_descriptors_of_ours(self):
        self.assertLevel(history(connections=lambda t: 1000 + t))

    def test_two_hundred_bytes_a_connection_are_a_leak_in_ten_minutes(self):
        self.assertGrew("rss_kb", history(
            rss_kb=lambda t: 30000 + t * 110 * 0.2))

    def test_memory_that_is_not_given_back_is_a_leak(self):
        self.assertGrew("rss_kb", history(),
                        sample(0, rss_kb=40000, spare_fds=13, connections=0))

    def test_memory_is_not_judged_where_a_sanitizer_keeps_it(self):
        self.assertLevel(history(rss_kb=lambda t: 30000 + t * 1000),
                         memory=False)

    def test_a_thread_more_is_a_leak(self):
        self.assertGrew("threads", history(
            threads=lambda t: 517 if t < 300 else 518))

    def test_a_short_run_has_more_slack_but_not_any(self):
        self.assertLevel(history(1, rss_kb=lambda t: 20000 + t * 200))
        self.assertGrew("rss_kb", history(1, rss_kb=lambda t: 20000 + t * 2000),
                        sample(0, rss_kb=20000, spare_fds=13, connections=0))

    def test_a_run_that_was_cut_short_has_nothing_to_compare(self):
        self.assertEqual(watch.judge(None, [], None), [])
        self.assertEqual(watch.judge(BEFORE, [], None), [])

    def test_quarters_leave_the_warm_up_out(self):
        early, late = watch.quarters(history(10))
        self.assertEqual((early[0]["seconds"], early[-1]["seconds"]),
                         (60, 194))
        self.assertEqual((late[0]["seconds"], late[-1]["seconds"]),
                         (465, 599))


if __name__ == "__main__":
    unittest.main()
