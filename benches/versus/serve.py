"""pyvips or Pillow-SIMD as a server on standard input and output; `src/protocol.rs` has the messages.

    serve.py pyvips|pillow
"""

import io
import json
import platform
import sys
import time


class Refused(Exception):
    """The library does not do this work."""


class Pyvips:
    """libvips: `thumbnail_buffer`, which shrinks while it loads."""

    def __init__(self):
        import pyvips

        pyvips.cache_set_max(0)
        self.vips = pyvips

    def versions(self):
        libvips = ".".join(str(self.vips.version(part)) for part in range(3))
        return f"pyvips {self.vips.__version__}, libvips {libvips}, Python {platform.python_version()}"

    def work(self, image, work):
        if work["way"] != "default" or work["format"] != "jpeg":
            raise Refused("it is asked for its default way only, to JPEG")
        convert = {"output_profile": "srgb"} if work["profile"] else {}
        made = []
        for side in work["sizes"]:
            thumbnail = self.vips.Image.thumbnail_buffer(image, side, height=side, size="down", **convert)
            made.append(thumbnail.jpegsave_buffer(Q=work["quality"], optimize_coding=True, keep="none"))
        return made


class Pillow:
    """Pillow-SIMD: `draft`, by which libjpeg-turbo scales to at least one and a half times the size, then Lanczos."""

    def __init__(self):
        import PIL
        from PIL import Image, ImageOps, features

        self.image = Image
        self.operations = ImageOps
        self.version = PIL.__version__
        self.jpeg = features.version("libjpeg_turbo") or "unknown"
        if ".post" not in self.version:
            raise SystemExit(f"Pillow {self.version} is not Pillow-SIMD")

    def versions(self):
        return f"Pillow-SIMD {self.version}, libjpeg-turbo {self.jpeg}, Python {platform.python_version()}"

    def work(self, image, work):
        if work["way"] != "default" or work["format"] != "jpeg":
            raise Refused("it is asked for its default way only, to JPEG")
        if work["profile"]:
            raise Refused("it was built without a colour engine")
        decoded = self.image.open(io.BytesIO(image))
        room = max(work["sizes"]) * 3 // 2
        decoded.draft(None, (room, room))
        made = {}
        # One decode, and each size from the next larger one.
        for side in sorted(work["sizes"], reverse=True):
            decoded.thumbnail((side, side), self.image.Resampling.LANCZOS, reducing_gap=None)
            upright = self.operations.exif_transpose(decoded)
            if upright.mode not in ("L", "RGB"):
                upright = upright.convert("RGB")
            encoded = io.BytesIO()
            upright.save(encoded, "JPEG", quality=work["quality"], optimize=True, subsampling="4:2:0")
            made[side] = encoded.getvalue()
        return [made[side] for side in work["sizes"]]


def timed(library, image, work):
    start = time.perf_counter_ns()
    files = library.work(image, work)
    milliseconds = (time.perf_counter_ns() - start) / 1e6
    return {"ms": milliseconds}, files if work["answer"] else []


def status_kib(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    library = {"pyvips": Pyvips, "pillow": Pillow}[sys.argv[1]]()
    image = b""
    for line in sys.stdin:
        request = json.loads(line)
        answer, files = {}, []
        try:
            match request["op"]:
                case "hello":
                    answer = {"versions": library.versions()}
                case "load":
                    image = read(request["input"])
                case "work":
                    answer, files = timed(library, image, request)
                case "memory":
                    library.work(read(request["warm"]), request["work"])
                    image = read(request["input"])
                    # Sets the high-water mark to what is resident now.
                    with open("/proc/self/clear_refs", "w") as marks:
                        marks.write("5")
                    before = status_kib("VmRSS")
                    answer, files = timed(library, image, request["work"])
                    answer |= {"before_kib": before, "peak_kib": status_kib("VmHWM")}
                case other:
                    raise Refused(f"unknown request {other}")
        except Exception as error:  # Whatever a library raises is an answer here.
            text = str(error).strip() or type(error).__name__
            answer = {"refused": text.splitlines()[0]}
        answer["lengths"] = [len(file) for file in files]
        out = sys.stdout.buffer
        out.write(json.dumps(answer).encode() + b"\n")
        for file in files:
            out.write(file)
        out.flush()


main()
