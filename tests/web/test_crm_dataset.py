"""Every page on the CRM Sales Opportunities data set, whose deals end in 2017: what a company sees that brings only what its CRM has, no hours, no messages.
Pictures are kept in BUILD/screenshots/crm."""
import subprocess

from browser import BINARY, ROOT, cases
from harness import shared_data
from harness.server import environment


def load(server):
    folder = shared_data("data", "crm-sales-opportunities", "sales_pipeline.csv").parent
    subprocess.run([ROOT / "docs" / "examples" / "load-crm.sh", folder], check=True, capture_output=True,
                   env=environment(PLUMBLINE_URL=server.url, PLUMBLINE_KEY=server.key()))


PERIOD = "2017"
Pages = cases("all-drawn", fill=staticmethod(load), period=PERIOD,
              settings={"PLUMBLINE_SCREENSHOTS": str(BINARY.parent / "screenshots" / "crm"), "PLUMBLINE_PERIOD": PERIOD})
