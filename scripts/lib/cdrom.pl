# What Linux's CD-ROM ioctls (linux/cdrom.h) tell of the drive at $ARGV[0], one line each.
# `cdrom.pl NODE rip FIRST COUNT` writes so many audio sectors to standard output instead.
sysopen(D, $ARGV[0], 04000) or die "$ARGV[0]: $!\n"; # O_RDONLY | O_NONBLOCK

if (($ARGV[1] // "") eq "rip") {
    for (my $at = $ARGV[2]; $at < $ARGV[2] + $ARGV[3]; $at += 25) {
        my $count = $ARGV[2] + $ARGV[3] - $at;
        $count = 25 if $count > 25;
        my $data = "\0" x (2352 * $count);
        my $ask = pack("l C x3 l x4 P", $at, 1, $count, $data); # CDROMREADAUDIO
        ioctl(D, 0x530e, $ask) // die "sector $at: $!\n";
        print $data;
    }
    exit;
}

print "drive ", 0 + (ioctl(D, 0x5326, 0x7fffffff) // die("CDROM_DRIVE_STATUS: $!\n")), "\n";
print "disc ", 0 + (ioctl(D, 0x5327, 0) // die("CDROM_DISC_STATUS: $!\n")), "\n";
my $header = "\0" x 2;
ioctl(D, 0x5305, $header) // die "CDROMREADTOCHDR: $!\n";
my ($first, $last) = unpack("CC", $header);
for my $track ($first .. $last, 0xaa) {
    my @line;
    for my $format (1, 2) {
        my $entry = pack("C C C x l C x3", $track, 0, $format, 0, 0);
        ioctl(D, 0x5306, $entry) // die "CDROMREADTOCENTRY $track: $!\n";
        my (undef, $bits, undef, $lba) = unpack("C C C x l", $entry);
        my ($m, $s, $f) = unpack("x4 C3", $entry);
        push @line, $format == 1 ? sprintf("control %x lba %d", $bits >> 4, $lba)
            : sprintf("msf %02d:%02d:%02d", $m, $s, $f);
    }
    print "track $track @line\n";
}
my $session = pack("l C C x2", 0, 0, 1);
ioctl(D, 0x5310, $session) // die "CDROMMULTISESSION: $!\n";
my ($start, $more) = unpack("l C", $session);
print "session $start $more\n";
my $name = "\0" x 14;
print "mcn ", defined ioctl(D, 0x5311, $name) ? unpack("Z14", $name) : "none", "\n";
