"""Delivery receipts in deliver_sm: which text they are about, and what became of it."""

import re
from enum import StrEnum

from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.gateway.smpp.pdu import DeliverSm, Tag

KIND_OF_MESSAGE = 0b00111100
DELIVERY_RECEIPT = 0b00000100

_STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_PROGRESS = {
    "DELIVRD": DeliveryProgress.DELIVERED,
    "EXPIRED": DeliveryProgress.UNDELIVERED,
    "DELETED": DeliveryProgress.UNDELIVERED,
    "UNDELIV": DeliveryProgress.UNDELIVERED,
    "REJECTD": DeliveryProgress.UNDELIVERED,
    "FAILED": DeliveryProgress.UNDELIVERED,
}
"""Anything else (ENROUTE, ACCEPTD, UNKNOWN) says that the end is not known."""

_ID = re.compile(r"\bid:\s*(\S+)", re.IGNORECASE)
_STATE = re.compile(r"\bstat:\s*(\w+)", re.IGNORECASE)
_ERROR = re.compile(r"\berr:\s*(\w+)", re.IGNORECASE)


class MessageIds(StrEnum):
    """How a server writes an id when it accepts a text; SAME: in receipts just so. Otherwise the receipts have it in
    the other base, as many do."""

    SAME = "same"
    HEX = "hex"
    DECIMAL = "decimal"

    def accepted(self, written: str) -> str:
        """The id of an accepted part, as receipts are matched with it."""
        return self._decimal(written, {MessageIds.HEX: 16, MessageIds.DECIMAL: 10})

    def receipted(self, written: str) -> str:
        """The same id, found in a receipt."""
        return self._decimal(written, {MessageIds.HEX: 10, MessageIds.DECIMAL: 16})

    def _decimal(self, written: str, bases: dict["MessageIds", int]) -> str:
        if self is MessageIds.SAME:
            return written
        try:
            return str(int(written, bases[self]))
        except ValueError:  # not a number: it cannot have been converted
            return written


def read_receipt(pdu: DeliverSm, gateway: str, ids: MessageIds) -> Receipt | None:
    """What a deliver_sm reports; None when it is no receipt, or names no text."""
    is_marked = pdu.esm_class & KIND_OF_MESSAGE == DELIVERY_RECEIPT
    if not is_marked and Tag.RECEIPTED_MESSAGE_ID not in pdu.tags:
        return None
    words = pdu.content.decode("latin-1")
    # The words of the text itself come last and may say anything.
    words = re.split(r"\btext:", words, maxsplit=1, flags=re.IGNORECASE)[0]
    provider_id = _tagged_id(pdu) or _found(_ID, words)
    if not provider_id:
        return None
    state = _tagged_state(pdu) or (_found(_STATE, words) or "UNKNOWN").upper()
    progress = _PROGRESS.get(state, DeliveryProgress.ACCEPTED)
    error = _tagged_error(pdu) or _found(_ERROR, words)
    reason = f"{state}, error {error}" if error and error.strip("0") else state
    return Receipt(
        gateway, ids.receipted(provider_id), progress, reason if progress is DeliveryProgress.UNDELIVERED else None
    )


def _tagged_id(pdu: DeliverSm) -> str:
    return pdu.tags.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1").strip()


def _tagged_state(pdu: DeliverSm) -> str | None:
    value = pdu.tags.get(Tag.MESSAGE_STATE, b"")
    return _STATES.get(value[0]) if value else None


def _tagged_error(pdu: DeliverSm) -> str | None:
    value = pdu.tags.get(Tag.NETWORK_ERROR_CODE, b"")
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else None


def _found(pattern: re.Pattern[str], words: str) -> str | None:
    match = pattern.search(words)
    return match[1] if match else None
