#!/usr/bin/perl
# web.pl PORT: a master that holds the socket, and workers that answer. HUP replaces the workers
# while the socket stays open; INT and TERM end all of them.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h strftime);

my $port    = shift // 8080;
my $wanted  = 2;
my %workers;
my ( $reload, $stop ) = ( 0, 0 );
$| = 1;

sub say_it { print strftime( '%Y-%m-%d %H:%M:%S', localtime ), " @_\n" }

my $socket = IO::Socket::INET->new(
    LocalPort => $port,
    Listen    => 64,
    ReuseAddr => 1,
) or do { say_it("cannot listen on port $port: $!"); exit 1 };

sub answer {
    my ($client) = @_;
    local $SIG{ALRM} = sub { die "slow\n" };
    eval {
        alarm 10;
        my $request = <$client> // '';
        while ( defined( my $line = <$client> ) ) { last if $line =~ /^\r?\n$/ }
        my $body = "Galaxy stands in here, worker $$\n";
        print $client "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n",
            'Content-Length: ', length $body, "\r\n\r\n", $body;
        $request =~ s/\s+$//;
        say_it("worker $$: $request");
        alarm 0;
    };
    close $client;
}

sub work {
    $SIG{$_} = 'DEFAULT' for qw(HUP INT CHLD);
    $SIG{TERM} = sub { exit 0 };
    $SIG{PIPE} = 'IGNORE';
    my $master = getppid;
    while (1) {
        my $ready = '';
        vec( $ready, fileno $socket, 1 ) = 1;
        # A worker whose master was killed must not keep the port.
        exit 0 if getppid != $master;
        next unless select $ready, undef, undef, 1;
        my $client = $socket->accept or next;
        answer($client);
    }
}

sub fill {
    while ( keys %workers < $wanted ) {
        my $pid = fork;
        if ( !defined $pid ) { say_it("cannot fork: $!"); sleep 1; return }
        work() if $pid == 0;
        $workers{$pid} = 1;
    }
}

$socket->blocking(0);
$SIG{HUP} = sub { $reload = 1 };
$SIG{INT} = $SIG{TERM} = sub { $stop = 1 };
fill();
say_it("listening on port $port with $wanted workers (pid $$)");
until ($stop) {
    sleep 1;
    if ($reload) {
        $reload = 0;
        say_it('HUP: replacing the workers');
        kill 'TERM', keys %workers;
    }
    while ( ( my $pid = waitpid -1, WNOHANG ) > 0 ) { delete $workers{$pid} }
    fill() unless $stop;
}
kill 'TERM', keys %workers;
say_it('stopped');
