"""What each certificate has to say: fingerprints of its words and of each of its steps, kept with the package.

A certificate is only as good as the link between its words and its steps. The theorems make that link; `proofs` writes
it down here together with the certificates, so that a certificate can be held to it without the theorems, and none can
bring a link of its own. What is computed, values and enclosures, is left out: it is computed again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("outlines.json")
#: The digits of a fingerprint: 128 bits.
LENGTH = 32


def fingerprint(data: Mapping[str, Any], *left_out: str) -> str:
    """A digest of JSON data, without some of its entries."""
    kept = {key: value for key, value in data.items() if key not in left_out}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:LENGTH]


def outline(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """The outline of the certificates of an activation, in the form that `proofs` stores.

    Raises KeyError, TypeError or AttributeError for data of another form.
    """
    return {
        "head": fingerprint(certificate, "claims"),
        "claims": [
            {
                "id": claim["id"],
                "words": fingerprint(claim, "steps", "instances"),
                "steps": [fingerprint(step, "value") for step in claim["steps"]],
            }
            for claim in certificate["claims"]
        ],
    }


def stored() -> dict[str, Any]:
    """The outlines of all variants, by name."""
    return json.loads(PATH.read_text(encoding="utf-8"))
