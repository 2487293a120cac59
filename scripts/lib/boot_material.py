"""Programs of our own that a computer without a system starts, each a few bytes of machine code that
say on the serial port where they are: boot images, a boot sector of disks, a UEFI application."""

import struct

COM1 = 0x3F8

# Writes the text behind it (up to a zero byte) to COM1, a character when the port is free for one.
# The text is found by where the code runs, whatever CS is. Clobbers AX, DX, SI, and leaves
# interrupts off: the BIOS's own text may still be on its way to the port.
SAY = bytes([
    0xFA, 0xFC,              # cli; cld
    0x2E, 0xAC,              # next: lodsb from cs:si
    0x84, 0xC0,              # test al, al
    0x74, 0x11,              # jz done
    0x88, 0xC4,              # mov ah, al
    0xBA, 0xFD, 0x03,        # mov dx, 3FDh
    0xEC,                    # wait: in al, dx
    0xA8, 0x20,              # test al, 20h
    0x74, 0xFB,              # jz wait
    0x88, 0xE0,              # mov al, ah
    0xB2, 0xF8,              # mov dl, F8h
    0xEE,                    # out dx, al
    0xEB, 0xE9,              # jmp next
])                           # done:
STOP = bytes([0xF4, 0xEB, 0xFD])  # hlt; jmp back
HEX = b"0123456789ABCDEF"


def say(text):
    """Code that says a text, wherever it is loaded, and goes on behind it."""
    text = text.encode() + b"\0"
    # call over the text: its address is what the call leaves on the stack.
    return bytes([0xE8]) + struct.pack("<h", len(text)) + text + bytes([0x5E]) + SAY


def say_number(offset):
    """Code that says the number of 32 bits at this offset of the image, in hexadecimal digits."""
    take = bytes([0x66, 0x2E, 0x8B, 0x9D]) + struct.pack("<H", offset)  # mov ebx, cs:[di+offset]
    return take + bytes([
        0xB9, 0x08, 0x00,        # mov cx, 8
        0x66, 0xC1, 0xC3, 0x04,  # next: rol ebx, 4
        0x88, 0xDC,              # mov ah, bl
        0x80, 0xE4, 0x0F,        # and ah, 0Fh
        0x80, 0xC4, 0x30,        # add ah, '0'
        0x80, 0xFC, 0x3A,        # cmp ah, '9' + 1
        0x72, 0x03,              # jb ready
        0x80, 0xC4, 0x07,        # add ah, 7
        0xBA, 0xFD, 0x03,        # ready: mov dx, 3FDh
        0xEC,                    # wait: in al, dx
        0xA8, 0x20,              # test al, 20h
        0x74, 0xFB,              # jz wait
        0x88, 0xE0,              # mov al, ah
        0xB2, 0xF8,              # mov dl, F8h
        0xEE,                    # out dx, al
        0xE2, 0xDD,              # loop next
    ])


def boot_image(name, size=2048, sector_end=False, kind=None):
    """An image that says its name and what its boot information table has for its address. With
    `sector_end`, its first sector can be that of a floppy or hard disk; `kind` makes it a hard disk
    with one partition of this type."""
    out = bytearray([0xEB, 0x3E]) + bytes(62)
    # Where the image lies in its segment: what the call leaves on the stack, less its own place.
    out += bytes([0xE8, 0x00, 0x00, 0x5F, 0x83, 0xEF, len(out) + 3])  # call +0; pop di; sub di, n
    out += say(f"KILN {name} ") + say_number(12) + say(" END\r\n") + STOP
    assert len(out) <= 440
    out += bytes(size - len(out))
    if sector_end or kind is not None:
        out[510:512] = b"\x55\xaa"
    if kind is not None:
        out[446:462] = struct.pack("<B3sB3sII", 0x80, b"\x01\x01\x00", kind, b"\x01\x01\x00", 1,
                                   size // 512 - 1)
    return bytes(out)


def disk_code(name):
    """A boot sector's code that says its name, then loads and starts the boot image whose sector it
    is told at byte 432, as ISOLINUX's is."""
    to, packet = 0x600, 0x600 + 0x1A0
    # A jump over 30 bytes, which an Apple Partition Map may want.
    move = bytes([
        0xEB, 0x1E, *[0x90] * 30,
        0xFA,                                            # cli
        0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0,  # ds = es = ss = 0
        0xBC, 0x00, 0x7C, 0xFB, 0xFC,                    # sp = 7C00h; sti; cld
        0x52,                                            # push dx: the drive
        0xBE, 0x00, 0x7C, 0xBF, 0x00, 0x06,              # from 7C00h to 600h
        0xB9, 0x00, 0x01, 0xF3, 0xA5,                    # 256 words
    ])
    jump = struct.pack("<BHH", 0xEA, to + len(move) + 5, 0)
    load = bytes([0xFB, 0x66, 0xA1]) + struct.pack("<H", to + 432)      # sti; mov eax, [told]
    load += bytes([0x66, 0xA3]) + struct.pack("<H", packet + 8)   # mov [packet + 8], eax
    load += bytes([0xBE]) + struct.pack("<H", packet)             # mov si, packet
    load += bytes([0x5A, 0xB4, 0x42, 0xCD, 0x13, 0x72, 0xFE])     # pop dx; int 13h; jc here
    load += struct.pack("<BHH", 0xEA, 0x7C00, 0)
    out = bytearray(move + jump + say(f"KILN {name}\r\n") + load)
    assert len(out) <= packet - to
    out += bytes(packet - to - len(out))
    out += struct.pack("<BBHHHQ", 16, 0, 4, 0x7C00, 0, 0)
    return bytes(out)


def uefi_application(name):
    """A PE32+ image for x86-64 that says its name on COM1: UEFI lets any application write there."""
    text = f"KILN {name} END\r\n".encode() + b"\0"
    code = bytes([
        0x48, 0x8D, 0x35, 0, 0, 0, 0,  # lea rsi, [rip + text]
        0xAC,                          # next: lodsb
        0x84, 0xC0,                    # test al, al
        0x74, 0x12,                    # jz done
        0x88, 0xC4,                    # mov ah, al
        0x66, 0xBA, 0xFD, 0x03,        # mov dx, 3FDh
        0xEC, 0xA8, 0x20, 0x74, 0xFB,  # wait: in al, dx; test al, 20h; jz wait
        0x88, 0xE0, 0xB2, 0xF8, 0xEE,  # mov al, ah; mov dl, F8h; out dx, al
        0xEB, 0xE9,                    # jmp next
        0xF4, 0xEB, 0xFD,              # done: hlt; jmp done
    ])
    code = code[:3] + struct.pack("<i", len(code) - 7) + code[7:] + text
    code += bytes(-len(code) % 512)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x0022)
    optional = struct.pack("<HBBIIIII", 0x20B, 0, 0, len(code), 0, 0, 0x1000, 0x1000)
    optional += struct.pack("<QIIHHHHHHIIIIHHQQQQII", 0x400000, 0x1000, 512, 0, 0, 0, 0, 0, 0, 0,
                            0x2000, 512, 0, 10, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += bytes(0xF0 - len(optional))
    section = struct.pack("<8sIIIIIIHHI", b".text", len(code), 0x1000, len(code), 512, 0, 0, 0, 0,
                          0x60000020)
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + coff + optional + section
    return head + bytes(512 - len(head)) + code
