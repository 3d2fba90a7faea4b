"""python3 -m unittest discover -s tests/bench"""

import unittest
import xml.dom.minidom

from figures import chart, row, table


class Figures(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians(self):
        r = row("drain", [10, 20, 90], [10, 10, 30], 1.5, "events/s")
        self.assertEqual(r["ratio"], 2)
        self.assertTrue(r["met"])

    def test_an_upper_limit_is_met_from_below(self):
        self.assertTrue(row("p99", [10], [], 15, "ms", at_least=False, absolute=True)["met"])
        self.assertFalse(row("p99", [16], [], 15, "ms", at_least=False, absolute=True)["met"])
        self.assertIsNone(row("WAL", [16], [], None, "bytes", absolute=True)["met"])

    def test_rounds_without_their_partner_are_refused(self):
        with self.assertRaises(ValueError):
            row("drain", [1, 2], [1], 1, "events/s")

    def test_a_chart_is_well_formed_whatever_the_names(self):
        rows = [row('a < "b" & c', [2], [1], 1.5, "x"), row("miss", [1], [2], 1, "x"), row("alone", [1], [], 1, "x", absolute=True)]
        text = chart(rows, 'two cores & "quotes"')
        xml.dom.minidom.parseString(text)
        self.assertIn("miss", text)
        self.assertNotIn("alone", text)
        self.assertEqual(len(table(rows).splitlines()), 4)


if __name__ == "__main__":
    unittest.main()
