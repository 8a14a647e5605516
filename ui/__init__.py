"""What the pages share. The only room besides app.py and pages/ that knows Streamlit."""

import os

# Before torch is imported. Its threads otherwise wait for each other at full speed, and where anything else
# keeps a core busy, such as a training or the reader's browser, a pass takes ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
