# One picture with Perl's Net::VNC: netvnc.pl PORT FILE
use strict;
use warnings;
use Net::VNC;

my ($port, $file) = @ARGV;
my $viewer = Net::VNC->new({ hostname => '127.0.0.1', port => $port });
$viewer->hide_cursor(1);
$viewer->login;
$viewer->capture->save($file);
