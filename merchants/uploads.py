"""Files that are sent to us have a largest size, whoever sends them: without one they would fill the disk."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class Bounded(FileUploadHandler):
    """The first of the handlers: refuses a request larger than `FILE_UPLOAD_MAX_SIZE` bytes, before it is read.

    Raises `RequestDataTooBig`, which is answered with 400.
    """

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, Any],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > settings.FILE_UPLOAD_MAX_SIZE:
            raise RequestDataTooBig("The request is larger than FILE_UPLOAD_MAX_SIZE.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > settings.FILE_UPLOAD_MAX_SIZE:
            raise RequestDataTooBig("The file is larger than FILE_UPLOAD_MAX_SIZE.")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Left to the handlers that follow."""
