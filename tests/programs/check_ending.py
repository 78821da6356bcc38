"""SIGTERM while a viewer is connected."""

import unittest

from chain import Chain
from screen import ViewerScreen
from tigervnc import TigerVnc


class Ending(unittest.TestCase):
    def test_it_drains_and_ends_with_0_and_its_viewer_ends_too(self) -> None:
        with Chain() as chain, ViewerScreen() as screen, TigerVnc(screen, chain.port()) as viewer:
            viewer.shows(chain.desktop.picture)
            self.assertEqual(0, chain.gateway.end())
            viewer.ended()
